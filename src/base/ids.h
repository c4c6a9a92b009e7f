#pragma once

#include "roost/ids.h"

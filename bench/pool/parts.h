#pragma once

#include <vector>

#include "report.h"

namespace roost::bench {

std::vector<Row> lease_rows();     // taking and giving back leases
std::vector<Row> use_rows();       // using a model, alone and while others load
std::vector<Row> planning_rows();  // plans over many residents
std::vector<Row> trace_rows();     // eviction policies on seeded traces

}  // namespace roost::bench

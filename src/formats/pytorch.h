#pragma once

#include "formats/tensors.h"

namespace roost::formats {

// By content: a zip archive with a data.pkl, or one of the older layouts, which open_pytorch()
// refuses.
bool is_pytorch(const File& file);

// Describes a checkpoint as torch.save() writes it, executing nothing: read_zip() and read_pickle()
// say what they accept. Every tensor lies within its storage, every storage is an entry of just its
// size. Tensors may share bytes. One whose elements do not lie next to each other in row order is
// listed with `contiguous` false. metadata tells "root" (see Pickled) if there is one.
// Throws BadFile; Unsupported for TorchScript, for big-endian files and for the layouts from before
// PyTorch 1.6, saying what to do.
Checkpoint open_pytorch(const File& file);

}  // namespace roost::formats

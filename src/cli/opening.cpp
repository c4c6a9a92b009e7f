#include "cli/commands.h"

namespace roost::cli {

LoadOptions ModelArguments::load_options() const {
  LoadOptions load;
  if (device) load.device = *device;
  if (rows) load.backend["rows"] = *rows;
  if (precision) load.backend["precision"] = *precision;
  return load;
}

std::unique_ptr<Engine> open_engine(const Common& common) {
  auto engine = std::make_unique<Engine>(common.engine);
  const ExecutionProvider wanted = common.engine.provider;
  if (wanted != ExecutionProvider::Auto) choose_placement(engine->machine(), wanted, {wanted});
  return engine;
}

}  // namespace roost::cli

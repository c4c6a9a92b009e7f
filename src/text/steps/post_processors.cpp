#include "text/steps/post_processors.h"

namespace roost::text {

std::size_t Template::special_tokens(bool with_pair) const {
  std::size_t count = 0;
  for (const Item& item : items(with_pair)) count += item.ids.size();
  return count;
}

}  // namespace roost::text

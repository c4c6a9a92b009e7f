// bench_pool [PART]: all parts, or one of leases, use, plans, traces.
#include <cstdio>
#include <string_view>

#include "parts.h"

int main(int argc, char** argv) {
  using namespace roost::bench;
  struct Part {
    std::string_view name;
    std::vector<Row> (*rows)();
  };
  constexpr Part kParts[] = {
      {"leases", lease_rows}, {"use", use_rows}, {"plans", planning_rows}, {"traces", trace_rows}};
  std::vector<Row> rows;
  for (const Part& part : kParts) {
    if (argc > 1 && part.name != argv[1]) continue;
    for (Row& row : part.rows()) rows.push_back(std::move(row));
  }
  if (rows.empty()) {
    std::fprintf(stderr, "no such part; there are leases, use, plans and traces\n");
    return 2;
  }
  print(rows);
  return 0;
}

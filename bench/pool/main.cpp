#include "parts.h"

int main() {
  using namespace roost::bench;
  std::vector<Row> rows = lease_rows();
  for (auto part : {planning_rows, trace_rows}) {
    for (Row& row : part()) rows.push_back(std::move(row));
  }
  print(rows);
  return 0;
}

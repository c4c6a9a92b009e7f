#include "base/teller.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/gate.h"

namespace roost {
namespace {

TEST(TellerTest, TellsInOrder) {
  std::vector<int> told;
  Teller<int> teller([&](int what) { told.push_back(what); });
  teller.add(1);
  teller.add(2);
  teller.tell();
  teller.add(3);
  teller.tell();
  EXPECT_EQ(told, (std::vector<int>{1, 2, 3}));
}

TEST(TellerTest, WhatAnotherThreadAddsMeanwhileIsToldByTheOneThatTells) {
  std::vector<int> told;
  test::Gate gate;
  gate.shut();
  Teller<int> teller([&](int what) {
    gate.pass();
    told.push_back(what);
  });
  teller.add(1);
  std::jthread first([&] { teller.tell(); });
  gate.await_arrivals();
  teller.add(2);
  teller.tell();  // does not wait
  EXPECT_TRUE(told.empty());
  gate.open();
  first.join();
  EXPECT_EQ(told, (std::vector<int>{1, 2}));
}

TEST(TellerTest, WhatFollowsTheEndComesAfterTheCallThatRunsAndTheRest) {
  std::vector<int> told;
  test::Gate gate;
  gate.shut();
  Teller<int> teller([&](int what) {
    gate.pass();
    told.push_back(what);
  });
  teller.add(1);
  std::jthread first([&] { teller.tell(); });
  gate.await_arrivals();
  teller.add(2);
  std::vector<int> told_before;
  teller.end([&] { told_before = told; });  // does not wait
  EXPECT_TRUE(told.empty());
  teller.add(4);
  gate.open();
  first.join();
  EXPECT_EQ(told_before, (std::vector<int>{1, 2}));
  teller.add(3);
  teller.tell();
  EXPECT_EQ(told.size(), 2u);
}

TEST(TellerTest, EndedFromInsideThatCallIsTheLast) {
  int calls = 0;
  Teller<int>* self = nullptr;
  Teller<int> teller([&](int) {
    ++calls;
    self->end([] {});
  });
  self = &teller;
  teller.add(1);
  teller.add(2);
  teller.tell();
  EXPECT_EQ(calls, 1);
}

TEST(TellerTest, WhatFollowsTheEndWaitsForTheCallThatEndedIt) {
  std::vector<std::string> order;
  Teller<int>* self = nullptr;
  Teller<int> teller([&](int) {
    self->end([&] { order.emplace_back("answer"); });
    order.emplace_back("call");
  });
  self = &teller;
  teller.add(1);
  teller.tell();
  EXPECT_EQ(order, (std::vector<std::string>{"call", "answer"}));
  Teller<int> quiet([](int) {});
  quiet.end([&] { order.emplace_back("at once"); });
  EXPECT_EQ(order.back(), "at once");
}

TEST(TellerTest, OneThatThrowsIsNotCalledAgain) {
  int calls = 0;
  Teller<int> teller([&](int) {
    ++calls;
    throw std::runtime_error("a caller's bug");
  });
  teller.add(1);
  teller.add(2);
  teller.tell();
  teller.end([] {});
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace roost

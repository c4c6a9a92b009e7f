// What people read when something went wrong: what, where, the way out, and nothing twice.
#include <gmock/gmock.h>

#include "engine/fixture.h"

namespace roost::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class MessagesTest : public EngineTest {
 protected:
  template <class F>
  std::string told(F&& f) {
    code_of(f);
    return last_message();
  }
};

TEST_F(MessagesTest, ABackOffSaysWhyOnceAndWhen) {
  use_manual_clock();
  add("a", kMiB).fail(FakeStep::Load, 1, [] { throw std::runtime_error("its file is corrupt"); });
  EXPECT_EQ(told([&] { engine().model("a"); }), "loading 'a': its file is corrupt");
  EXPECT_EQ(told([&] { engine().model("a"); }),
            "'a' failed to load (its file is corrupt); the next try is allowed in 1 s (a call "
            "with LoadOptions may set retry_now)");
}

TEST_F(MessagesTest, ATimeoutSaysWhatLastedAndWhatToDo) {
  use_manual_clock();
  options.load_timeout = seconds(60);
  options.max_concurrent_loads = 1;
  FakeScript& slow = add("slow", kMiB);
  add("next", kMiB);
  slow.gate(FakeStep::Load).shut();
  auto loading = engine().model_async("slow", {.timeout = seconds(2)});
  auto patient = engine().model_async("slow");
  auto waiting = engine().model_async("next", {.timeout = milliseconds(1500)});
  slow.gate(FakeStep::Load).await_arrivals();
  manual_clock.advance(seconds(2));
  EXPECT_EQ(told([&] { loading.get(); }),
            "'slow' was still loading after 2 s; allow a longer timeout");
  EXPECT_EQ(told([&] { waiting.get(); }),
            "'next' still waited to load after 2 s; allow a longer timeout");
  manual_clock.advance(seconds(60));
  EXPECT_EQ(told([&] { patient.get(); }),
            "'slow': it took longer than the load timeout of 60000 ms; raise load_timeout");
}

TEST_F(MessagesTest, AModelInUseIsNamedOnce) {
  use_manual_clock();
  add("a", kMiB);
  const ModelHandle lease = engine().model("a");
  EXPECT_EQ(told([&] { engine().unload("a", {.wait_for_leases = false}); }),
            "'a' is still in use after 0 s: 1 lease, 0 calls; it stays loaded (force revokes the "
            "leases)");
}

TEST_F(MessagesTest, AModelInUseCannotBeUnregisteredAndWhatCanBeDone) {
  add("a", kMiB);
  const ModelHandle lease = engine().model("a");
  EXPECT_EQ(told([&] { engine().unregister_model("a"); }),
            "'a' is in use; it stays registered; end its uses, or unload it by force first");
}

TEST_F(MessagesTest, ALoadSlotIsNamedByItsOption) {
  options.max_concurrent_loads = 1;
  FakeScript& slow = add("slow", kMiB);
  add("next", kMiB);
  slow.gate(FakeStep::Load).shut();
  auto loading = engine().model_async("slow");
  EXPECT_EQ(told([&] { engine().model("next", {.fail_fast = true}); }),
            "'next' has to wait for a load slot (max_concurrent_loads is 1); ask without "
            "fail_fast to queue");
  slow.gate(FakeStep::Load).open();
  loading.get();
}

TEST_F(MessagesTest, AFetchThatFailsSaysFetching) {
  ScriptedSource& files = add_remote("a", kMiB);
  files.delivers = false;
  EXPECT_EQ(told([&] { engine().fetch("a"); }),
            "fetching 'a': its fetch ended, but its files are not there");
  files.fail = [] { throw std::runtime_error("the line went dead"); };
  engine().reset("a");
  EXPECT_EQ(told([&] { engine().fetch("a"); }), "fetching 'a': the line went dead");
  EXPECT_EQ(told([&] { engine().model("a", {.retry_now = true}); }),
            "fetching 'a': the line went dead");
}

TEST_F(MessagesTest, FilesThatAreNotThereAreSaidToBe) {
  engine().register_model("absent", "file:/no/such/model");
  EXPECT_THAT(told([&] { engine().model("absent"); }),
              testing::EndsWith("; nothing is there: put its files in place"));
  engine().register_model("strange", "strange:x");
  EXPECT_THAT(told([&] { engine().model("strange"); }),
              testing::EndsWith("; register it with a backend that can"));
  add_remote("remote", kMiB);
  EXPECT_THAT(told([&] { engine().model("remote", {.auto_download = false}); }),
              testing::EndsWith("; call fetch() first, or allow auto_download"));
}

}  // namespace
}  // namespace roost::test

#include <mutex>

#include "cli/commands.h"
#include "cli/output.h"
#include "roost/engine.h"

namespace roost::cli {
namespace {

const std::vector<std::string>& sentences() {
  static const std::vector<std::string> kSentences = {
      "The cat sleeps on the warm windowsill.",
      "A sleeping cat lies by the window.",
      "Interest rates rose again this quarter.",
      "The central bank raised its interest rate.",
  };
  return kSentences;
}

constexpr std::string_view kQuestion = "How do I give memory back after using a model?";

const std::vector<std::string>& documents() {
  static const std::vector<std::string> kDocuments = {
      "Bread dough rises faster in a warm kitchen.",
      "Unloading a model gives its memory back to the system.",
      "A lease keeps a model loaded while it is used.",
      "The museum opens at nine on weekdays.",
  };
  return kDocuments;
}

// What an event says to a person; empty for those the demo leaves out.
std::string told(const Event& event) {
  const auto text = [&](const char* key) {
    const Value* value = event.data.find(key);
    return value == nullptr ? std::string() : value->is_string() ? value->as_string() : value->to_json();
  };
  const auto bytes = [&](const char* key) {
    const Value* value = event.data.find(key);
    const Value* host = value == nullptr ? nullptr : value->find("host");
    return format_bytes(host == nullptr ? 0 : static_cast<std::uint64_t>(host->as_int()));
  };
  switch (event.kind) {
    case EventKind::ModelRegistered: return "registered from " + text("source");
    case EventKind::StateChange: {
      std::string line = text("from") + " -> " + text("to");
      if (event.data.find("component") != nullptr) line = "weights " + line;
      if (event.data.find("footprint") != nullptr) line += ", took " + bytes("footprint");
      if (event.data.find("freed") != nullptr) line += ", gave back " + bytes("freed");
      return line;
    }
    case EventKind::LoadStep: return "  step " + text("step") + " of " + text("total") + ": " + text("name");
    case EventKind::LoadComplete: return "loaded, takes " + bytes("footprint");
    default: return {};
  }
}

void print_sentences(const std::vector<Vector>& vectors) {
  std::vector<std::vector<std::string>> rows = {{"", "1", "2", "3", "4", "SENTENCE"}};
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    std::vector<std::string> row = {std::to_string(i + 1)};
    for (const Vector& other : vectors) row.push_back(fixed(cosine_similarity(vectors[i], other), 2));
    row.push_back(sentences()[i]);
    rows.push_back(std::move(row));
  }
  print_line("\nHow near the sentences are to each other (cosine):\n" + table(rows));
}

void print_ranking(const std::vector<Ranked>& ranked) {
  std::vector<std::vector<std::string>> rows = {{"SCORE", "DOCUMENT"}};
  for (const Ranked& one : ranked) rows.push_back({fixed(one.score, 3), one.document});
  print_line("Documents for \"" + std::string(kQuestion) + "\":\n" + table(rows));
}

Value as_value(const std::vector<Vector>& vectors, const std::vector<Ranked>& ranked,
               const UnloadReport& unload, const LatencyReport& latency,
               const MemoryVector& footprint, const Value::Array& events) {
  Value out;
  Value::Array similarities;
  for (const Vector& a : vectors) {
    Value::Array row;
    for (const Vector& b : vectors) row.emplace_back(cosine_similarity(a, b));
    similarities.emplace_back(std::move(row));
  }
  out["sentences"] = Value::Array(sentences().begin(), sentences().end());
  out["similarities"] = std::move(similarities);
  out["question"] = kQuestion;
  Value::Array ranking;
  for (const Ranked& one : ranked) {
    Value entry;
    entry["score"] = one.score;
    entry["index"] = one.index;
    entry["document"] = one.document;
    ranking.push_back(std::move(entry));
  }
  out["ranked"] = std::move(ranking);
  out["load_ms"] = latency.load_ms;
  out["first_call_ms"] = latency.first_call_ms;
  out["footprint"] = to_value(footprint);
  out["freed"] = to_value(unload.freed);
  out["events"] = events;
  return out;
}

}  // namespace

void demo(const Common& common) {
  Engine engine(common.engine);
  std::mutex mutex;
  Value::Array events;
  Subscription listening = engine.subscribe([&](const Event& event) {
    const std::string text = told(event);
    if (text.empty()) return;
    if (!common.json) {
      print_line("  " + to_string(event.id).substr(to_string(event.id).rfind('-') + 1) + "  " +
                 event.model + "  " + text);
      return;
    }
    const std::lock_guard<std::mutex> lock(mutex);
    Value entry;
    entry["kind"] = to_string(event.kind);
    entry["model"] = event.model;
    entry["data"] = event.data;
    events.push_back(std::move(entry));
  });
  if (!common.json) print_line("Events as they happen (number, model, what):");
  engine.register_model("demo", "builtin:lexical");

  Embedder embedder = engine.embedder("demo");
  const std::vector<Vector> vectors = embedder.embed(sentences());
  Reranker reranker = engine.reranker("demo");
  const std::vector<Ranked> ranked = reranker.rerank(kQuestion, documents());
  const LatencyReport latency = embedder.latency();
  const MemoryVector footprint = engine.status("demo").footprint;
  engine.wait_for_listeners();
  if (!common.json) {
    print_sentences(vectors);
    print_ranking(ranked);
    print_line("Loaded in " + fixed(latency.load_ms, 1) + " ms, first call " +
               fixed(latency.first_call_ms, 2) + " ms; takes " + to_string(footprint) +
               "\n\nUnloading:");
  }
  embedder.close();
  reranker.close();
  const UnloadReport unload = engine.unload("demo");
  engine.wait_for_listeners();
  listening.reset();
  if (common.json) {
    print_json(as_value(vectors, ranked, unload, latency, footprint, events));
    return;
  }
  print_line("Gave back " + to_string(unload.freed) + ", measured; " +
             to_string(MemoryVector::host(engine.memory().memories.front().reserved)) +
             " still reserved.");
}

}  // namespace roost::cli

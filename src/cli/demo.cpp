#include "cli/commands.h"
#include "cli/output.h"

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

std::string text_of(const Event& event, const char* key) {
  const Value* value = event.data.find(key);
  if (value == nullptr) return "";
  return value->is_string() ? value->as_string() : value->to_json();
}

std::string bytes_of(const Event& event, const char* key) {
  std::string text;
  const Value* vector = event.data.find(key);
  if (vector == nullptr) return "nothing";
  for (const auto& [memory, bytes] : vector->as_object()) {
    text += (text.empty() ? "" : ", ") + memory + " " +
            format_bytes(static_cast<std::uint64_t>(bytes.as_int()));
  }
  return text.empty() ? "nothing" : text;
}

std::string change_of(const Event& event) {
  std::string line = text_of(event, "from") + " -> " + text_of(event, "to");
  if (event.data.find("component") != nullptr) line = "weights " + line;
  if (event.data.find("freed") != nullptr) line += ", gave back " + bytes_of(event, "freed");
  return line;
}

// What an event says to a person.
std::string told(const Event& event) {
  switch (event.kind) {
    case EventKind::ModelRegistered: return "registered from " + text_of(event, "source");
    case EventKind::StateChange: return change_of(event);
    case EventKind::LoadStart: return "the load begins";
    case EventKind::LoadStep:
      return "  step " + text_of(event, "step") + " of " + text_of(event, "total") + ": " +
             text_of(event, "name");
    case EventKind::LoadComplete:
      return "loaded in " + fixed(event.data.find("load_ms")->as_double(), 1) + " ms, takes " +
             bytes_of(event, "footprint");
    case EventKind::Unload: return "unloaded, gave back " + bytes_of(event, "freed");
    case EventKind::QueueChange: return "requests that wait for a load: " + text_of(event, "waiting");
    default: return std::string(to_string(event.kind)) + " " + event.data.to_json();
  }
}

void print_event(const Event& event) {
  const std::string number = std::to_string(event.id.sequence);
  const std::string indent(number.size() < 3 ? 3 - number.size() : 0, ' ');
  print_line(indent + number + "  " + told(event));
}

Value as_value(const Event& event) {
  Value out;
  out["id"] = to_string(event.id);
  out["at"] = utc(event.at);
  out["kind"] = to_string(event.kind);
  out["model"] = event.model;
  out["data"] = event.data;
  return out;
}

Value as_value(const EventPage& events) {
  Value::Array told;
  for (const Event& event : events.events) told.push_back(as_value(event));
  return told;
}

// What the demo found out.
struct Findings {
  std::string description;
  std::vector<Vector> vectors;  // of the sentences
  std::vector<Ranked> ranked;
  LatencyReport latency;
  MemoryVector footprint;
  UnloadReport unload;
};

void print_use(const Findings& found) {
  print_line("\nThe model is " + found.description + ".");
  std::vector<std::vector<std::string>> rows = {{"", "1", "2", "3", "4", "SENTENCE"}};
  for (std::size_t i = 0; i < found.vectors.size(); ++i) {
    std::vector<std::string> row = {std::to_string(i + 1)};
    for (const Vector& other : found.vectors) {
      row.push_back(fixed(cosine_similarity(found.vectors[i], other), 2));
    }
    row.push_back(sentences()[i]);
    rows.push_back(std::move(row));
  }
  print_line("\nHow near sentences are to each other (cosine):\n" + table(rows));
  rows = {{"SCORE", "DOCUMENT"}};
  for (const Ranked& one : found.ranked) rows.push_back({fixed(one.score, 3), one.document});
  print_line("\nDocuments for \"" + std::string(kQuestion) + "\":\n" + table(rows));
  print_line("\nUsed: " + std::to_string(found.vectors.size()) + " sentences embedded and " +
             std::to_string(found.ranked.size()) + " documents ranked in " +
             std::to_string(found.latency.calls) + " calls; the first took " +
             fixed(found.latency.first_call_ms, 2) + " ms.\n");
}

Value as_value(const Findings& found, const EventPage& events) {
  Value out;
  out["description"] = found.description;
  Value::Array similarities;
  for (const Vector& a : found.vectors) {
    Value::Array row;
    for (const Vector& b : found.vectors) row.emplace_back(cosine_similarity(a, b));
    similarities.emplace_back(std::move(row));
  }
  out["sentences"] = Value::Array(sentences().begin(), sentences().end());
  out["similarities"] = std::move(similarities);
  out["question"] = kQuestion;
  Value::Array ranking;
  for (const Ranked& one : found.ranked) {
    Value entry;
    entry["score"] = one.score;
    entry["index"] = one.index;
    entry["document"] = one.document;
    ranking.push_back(std::move(entry));
  }
  out["ranked"] = std::move(ranking);
  out["load_ms"] = found.latency.load_ms;
  out["calls"] = found.latency.calls;
  out["first_call_ms"] = found.latency.first_call_ms;
  out["footprint"] = to_value(found.footprint);
  out["freed"] = to_value(found.unload.freed);
  out["events"] = as_value(events);
  return out;
}

Findings use(Engine& engine, const Embedder& embedder, const Reranker& reranker) {
  Findings found;
  found.description = embedder.info().description;
  found.vectors = embedder.embed(sentences());
  found.ranked = reranker.rerank(kQuestion, documents());
  found.latency = embedder.latency();
  found.footprint = engine.status("demo").footprint;
  engine.wait_for_listeners();
  return found;
}

void live(Engine& engine, const Common& common) {
  engine.register_model("demo", "builtin:lexical");

  Embedder embedder = engine.embedder("demo");
  Reranker reranker = engine.reranker("demo");  // the same weights, a second lease
  Findings found = use(engine, embedder, reranker);
  if (!common.json) print_use(found);

  embedder.close();
  reranker.close();
  found.unload = engine.unload("demo");
  engine.wait_for_listeners();
  if (common.json) {
    print_json(as_value(found, engine.events()));
    return;
  }
  print_line("\nGave back " + to_string(found.unload.freed) + ", measured; " +
             to_string(MemoryVector::host(engine.memory().memories.front().reserved)) +
             " still reserved.");
}

}  // namespace

int demo(const Common& common) {
  const auto engine = open_engine(common);
  Subscription listening;
  if (!common.json) {
    print_line("The life of a model, event by event:");
    listening = engine->subscribe(print_event);
  }
  try {
    live(*engine, common);
    return 0;
  } catch (const RoostError& error) {  // the story so far is told all the same
    engine->wait_for_listeners();
    Value told;
    told["events"] = as_value(engine->events());
    return report(error, common.json, std::move(told));
  }
}

}  // namespace roost::cli

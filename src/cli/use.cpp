// embed, rerank and classify: texts through a model.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/texts.h"

namespace roost::cli {
namespace {

Value::Array numbers(const Vector& vector) {
  return {vector.begin(), vector.end()};
}

Value as_value(const Label& label) {
  return Value::Object{{"label", label.name}, {"score", label.score}};
}

Value as_value(const Ranked& ranked) {
  return Value::Object{
      {"score", ranked.score}, {"index", ranked.index}, {"document", ranked.document}};
}

}  // namespace

int embed(const Common& common, const TextArguments& arguments) {
  const std::vector<std::string> texts = texts_of(arguments);
  const auto engine = open_engine(common);
  const Embedder embedder = engine->embedder(arguments.model.model, arguments.model.load_options());
  Value::Array vectors;
  in_batches(texts, [&](std::size_t first, std::span<const std::string> some) {
    const std::vector<Vector> made = embedder.embed(some);
    for (std::size_t i = 0; i < made.size(); ++i) {
      Value row = Value::Object{{"index", first + i}, {"embedding", numbers(made[i])}};
      if (common.json) {
        vectors.push_back(std::move(row));
      } else {
        print_line(row.to_json());
      }
    }
  });
  if (!common.json) return 0;
  print_json(Value::Object{{"model", embedder.id()},
                           {"dimensions", embedder.dimensions()},
                           {"embeddings", std::move(vectors)}});
  return 0;
}

int rerank(const Common& common, const TextArguments& arguments) {
  std::vector<std::string> texts = texts_of(arguments);
  const auto engine = open_engine(common);
  const Reranker reranker = engine->reranker(arguments.model.model, arguments.model.load_options());
  const std::vector<Ranked> ranked =
      reranker.rerank(arguments.query, texts, {.top_k = arguments.top_k});
  if (common.json) {
    Value::Array rows;
    for (const Ranked& one : ranked) rows.push_back(as_value(one));
    print_json(Value::Object{
        {"model", reranker.id()}, {"query", arguments.query}, {"ranked", std::move(rows)}});
    return 0;
  }
  for (const Ranked& one : ranked) print_line(fixed(one.score, 4) + "  " + one.document);
  return 0;
}

int classify(const Common& common, const TextArguments& arguments) {
  const std::vector<std::string> texts = texts_of(arguments);
  const auto engine = open_engine(common);
  const Classifier classifier =
      engine->classifier(arguments.model.model, arguments.model.load_options());
  Value::Array rows;
  in_batches(texts, [&](std::size_t first, std::span<const std::string> some) {
    for (std::size_t i = 0; i < some.size(); ++i) {
      const std::vector<Label> labels = classifier.classify(some[i]);
      Value::Array scores;
      for (const Label& label : labels) scores.push_back(as_value(label));
      rows.push_back(Value::Object{{"index", first + i}, {"labels", std::move(scores)}});
      if (common.json) continue;
      print_line(fixed(labels.front().score, 4) + "  " + labels.front().name + "  " + some[i]);
    }
  });
  if (common.json) {
    print_json(Value::Object{{"model", classifier.id()}, {"texts", std::move(rows)}});
  }
  return 0;
}

}  // namespace roost::cli

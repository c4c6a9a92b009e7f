// What the built-in model is good for: texts that share words or parts of words come out near
// each other, in several languages, with typos and inflections.
#include <gtest/gtest.h>

#include <numeric>

#include "backend/lexical_fixture.h"

namespace roost::backend {
namespace {

class LexicalQuality : public testing::Test {
 protected:
  double cosine(std::string_view a, std::string_view b) {
    const auto x = test::embed(*model_, a);
    const auto y = test::embed(*model_, b);
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  }

  test::LexicalHost host_;
  std::unique_ptr<Model> model_ = host_.load({});
};

struct Search {
  const char* query;
  std::vector<const char*> documents;  // the first must win
};

TEST_F(LexicalQuality, TheDocumentThatSharesWordsRanksFirst) {
  const std::vector<Search> searches = {
      {"how do I reset my password",
       {"Resetting a forgotten password takes a minute", "How do I get to the airport",
        "Our office is open on weekdays", "The cat sleeps on the sofa"}},
      {"recieve a package",  // a typo
       {"When you receive packages, sign for them", "The weather will be rainy tomorrow",
        "How to bake sourdough bread", "A short history of Rome"}},
      {"databse conection eror",  // three
       {"Database connection errors and how to fix them", "Planting tomatoes in spring",
        "The orchestra plays tonight", "Train timetable for Monday"}},
      {"kittens and cats",  // plurals
       {"A cat is a small animal", "Dogs bark at strangers", "The stock market fell"}},
      {"memory leak in C++ program",
       {"Finding leaks of memory in programs written in C++", "A program of piano music",
        "Leeks and potatoes soup"}},
      {"Krankenversicherung für Studenten",
       {"Studentische Krankenversicherungen im Vergleich", "Das Wetter in Berlin",
        "Rezepte für Apfelkuchen", "Der Zug hat Verspätung"}},
      {"HÄUSER kaufen",
       {"Ein Haus zu kaufen, braucht Geduld: Hauskauf", "Der Hund bellt laut",
        "Fußball am Samstag"}},
      {"погода в Москве",
       {"Какая погода будет завтра в Москве?", "Рецепт борща", "Курс доллара вырос"}},
      {"книги по истории",
       {"История в книгах: лучшая книга года", "Футбол вечером", "Как испечь хлеб"}},
      {"recette de gâteau au chocolat",
       {"Gâteaux chocolatés : nos recettes", "La météo de demain", "Le train est en retard"}},
      {"ΕΛΛΗΝΙΚΗ ΓΛΩΣΣΑ", {"η ελληνικη γλωσσα", "ο καιρός αύριο"}},
      {"東京の天気", {"東京は今日も天気がいい", "大阪の歴史", "猫が好きです"}},
  };
  for (const Search& search : searches) {
    const double best = cosine(search.query, search.documents[0]);
    for (std::size_t i = 1; i < search.documents.size(); ++i) {
      EXPECT_GT(best, cosine(search.query, search.documents[i]) + 0.05)
          << search.query << " | " << search.documents[i];
    }
  }
}

TEST_F(LexicalQuality, NearDuplicatesAreVeryNear) {
  const std::vector<std::pair<const char*, const char*>> pairs = {
      {"The quick brown fox jumps over the lazy dog",
       "the quick brown fox jumped over the lazy dogs"},
      {"Please restart the server after the update", "Please restart the servers after updates"},
      {"Machine learning models need memory", "Machine-learning model needs memory"},
      {"Das Haus am See ist groß", "Das Haus am See ist sehr groß!"},
      {"погода в Москве сегодня", "Погода в москве, сегодня."},
      {"hello world", "Hello, world!"}};
  for (const auto& [a, b] : pairs) EXPECT_GT(cosine(a, b), 0.8) << a << " | " << b;
}

TEST_F(LexicalQuality, UnrelatedTextsAreFar) {
  const std::vector<const char*> texts = {
      "The weather is nice today",
      "Invoices are sent monthly",
      "A cat sleeps on the sofa",
      "Database connections time out",
      "Der Zug hat Verspätung",
      "История Древнего Рима",
      "How to bake sourdough bread",
      "The orchestra plays Mozart tonight",
      "Quarterly revenue grew by ten percent",
      "Planting tomatoes in the spring garden",
      "Le chat dort sur le canapé",
      "Kubernetes pods restart after eviction",
      "La casa está cerca de la playa",
      "Graph theory and its applications in networking",
      "The committee discussed the implementation of regulations concerning communication",
      "東京の天気"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t k = i + 1; k < texts.size(); ++k) {
      EXPECT_LT(cosine(texts[i], texts[k]), 0.3) << texts[i] << " | " << texts[k];
    }
  }
}

}  // namespace
}  // namespace roost::backend

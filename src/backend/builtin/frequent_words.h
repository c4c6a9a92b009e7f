#pragma once

#include <string_view>

namespace roost::backend {

// The commonest function words of eight languages, lower case. They say little about what a text
// is about, so they count little. Those that name a thing in another of the languages (war, man,
// son) are left out.
inline constexpr std::string_view kFrequentWords[] = {
    // English
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been",
    "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he",
    "her", "his", "how", "i", "if", "in", "into", "is", "it", "its", "may", "me", "more", "my",
    "no", "not", "of", "on", "one", "or", "other", "our", "out", "over", "she", "should", "so",
    "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "to", "up", "us", "was", "we", "were", "what", "when", "where", "which", "who", "why",
    "will", "with", "would", "you", "your",
    // German
    "aber", "als", "am", "auch", "auf", "aus", "bei", "bin", "bis", "das", "dass", "dem", "den",
    "der", "des", "die", "doch", "du", "durch", "ein", "eine", "einem", "einen", "einer", "er",
    "es", "für", "hat", "ich", "ihr", "im", "ist", "ja", "kann", "mit", "nach", "nicht", "noch",
    "nur", "oder", "sein", "sich", "sie", "sind", "über", "um", "und", "uns", "vom", "von", "vor",
    "was", "wenn", "werden", "wie", "wir", "wird", "wo", "zu", "zum", "zur",
    // French
    "au", "aux", "avec", "ce", "ces", "cette", "comme", "dans", "de", "du", "elle", "en", "est",
    "et", "il", "ils", "je", "la", "le", "les", "leur", "mais", "ne", "nous", "on", "ou", "où",
    "par", "pas", "que", "qui", "sa", "se", "ses", "sont", "sur", "un", "une", "vous",
    // Spanish, Portuguese, Italian
    "al", "alla", "ao", "che", "com", "como", "con", "da", "del", "della", "di", "do", "dos", "e",
    "el", "em", "entre", "es", "esta", "este", "gli", "ha", "il", "in", "la", "las", "lo", "los",
    "más", "na", "no", "non", "nos", "o", "os", "para", "per", "pero", "por", "são", "si", "sono",
    "su", "te", "um", "uma", "una", "y", "ya",
    // Dutch
    "aan", "dat", "een", "het", "ik", "je", "met", "naar", "niet", "ook", "op", "te", "van", "voor",
    "wij", "zijn", "zo",
    // Russian, with е for ё
    "а", "бы", "быть", "в", "во", "вы", "да", "для", "до", "его", "ее", "если", "же", "за", "и",
    "из", "или", "их", "к", "как", "ко", "когда", "ли", "мы", "на", "не", "него", "но", "о", "об",
    "он", "она", "они", "оно", "от", "по", "при", "с", "со", "так", "то", "только", "у", "уже",
    "что", "чтобы", "это", "этот", "я"};

}  // namespace roost::backend

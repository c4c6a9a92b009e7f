#include "formats/components.h"

#include <algorithm>
#include <array>

#include "base/checked.h"

namespace roost::formats {
namespace {

// Tensors whose names begin so belong to the part; the first row that fits decides.
struct Prefix {
  std::string_view prefix, component, kind;
};
constexpr std::array kPrefixes = {
    Prefix{"model.diffusion_model.joint_blocks.", "transformer", "transformer"},
    Prefix{"model.diffusion_model.double_blocks.", "transformer", "transformer"},
    Prefix{"model.diffusion_model.", "unet", "unet"},
    Prefix{"model_ema.", "ema", "ema"},
    Prefix{"first_stage_model.", "vae", "vae"},
    Prefix{"vae.", "vae", "vae"},
    Prefix{"cond_stage_model.", "text_encoder", "text_encoder"},
    Prefix{"conditioner.embedders.0.", "text_encoder", "text_encoder"},
    Prefix{"conditioner.embedders.1.", "text_encoder_2", "text_encoder"},
    Prefix{"text_encoders.clip_l.", "text_encoder", "text_encoder"},
    Prefix{"text_encoders.clip_g.", "text_encoder_2", "text_encoder"},
    Prefix{"text_encoders.", "text_encoder_3", "text_encoder"},
    Prefix{"control_model.", "controlnet", "controlnet"},
    Prefix{"lora_te", "lora", "lora"},
    Prefix{"lora_unet_", "lora", "lora"},
};

// Pieces of names that only the tensors of one part have, when it stands alone.
struct Sign {
  std::string_view piece, kind;
};
constexpr std::array kSigns = {
    Sign{".lora_down.", "lora"},
    Sign{".lora_up.", "lora"},
    Sign{".lora_A.", "lora"},
    Sign{".lora_B.", "lora"},
    Sign{"controlnet_cond_embedding.", "controlnet"},
    Sign{"controlnet_down_blocks.", "controlnet"},
    Sign{"input_hint_block.", "controlnet"},
    Sign{"double_blocks.", "transformer"},
    Sign{"joint_blocks.", "transformer"},
    Sign{"decoder.up_blocks.", "vae"},
    Sign{"decoder.up.", "vae"},
    Sign{"text_model.encoder.", "text_encoder"},
    Sign{"time_embedding.linear_1.", "unet"},
};

constexpr std::size_t kLookedAt = 10'000;  // tensors that are searched for a sign

struct KindName {
  std::string_view word, kind;
};
// Words of a folder's or a class's name, the most telling first.
constexpr std::array kKinds = {
    KindName{"controlnet", "controlnet"},
    KindName{"unet", "unet"},
    KindName{"vae", "vae"},
    KindName{"autoencoder", "vae"},
    KindName{"vqmodel", "vae"},
    KindName{"text_encoder", "text_encoder"},
    KindName{"tokenizer", "tokenizer"},
    KindName{"scheduler", "scheduler"},
    KindName{"safety_checker", "safety_checker"},
    KindName{"feature_extractor", "image_processor"},
    KindName{"image_processor", "image_processor"},
    KindName{"image_encoder", "image_encoder"},
    KindName{"transformer", "transformer"},
    KindName{"prior", "prior"},
};

std::string_view sign_of(const Checkpoint& checkpoint) {
  const auto begin = checkpoint.tensors.begin();
  const auto end =
      begin + static_cast<std::ptrdiff_t>(std::min(checkpoint.tensors.size(), kLookedAt));
  for (const Sign& sign : kSigns) {
    const bool has = std::any_of(begin, end, [&](const TensorInfo& tensor) {
      return tensor.name.find(sign.piece) != std::string::npos;
    });
    if (has) return sign.kind;
  }
  return "model";
}

}  // namespace

void count_tensor(Component& component, const TensorInfo& tensor) {
  const auto add = [](std::uint64_t& sum, std::uint64_t more) {
    sum = checked_add(sum, more).value_or(UINT64_MAX);
  };
  ++component.tensors;
  add(component.parameters, tensor.elements());
  add(component.bytes, tensor.bytes);
  add(component.dtypes[std::string(to_string(tensor.dtype))], tensor.bytes);
}

std::vector<Component> find_components(const Checkpoint& checkpoint) {
  const std::string format(to_string(checkpoint.format));
  std::vector<Component> found;
  const auto component = [&](std::string_view name, std::string_view kind) -> Component& {
    for (Component& known : found) {
      if (known.name == name) return known;
    }
    Component& made = found.emplace_back();
    made.name = name;
    made.kind = kind;
    made.format = format;
    return made;
  };
  Component rest;
  for (const TensorInfo& tensor : checkpoint.tensors) {
    const auto prefix = std::find_if(kPrefixes.begin(), kPrefixes.end(), [&](const Prefix& p) {
      return tensor.name.starts_with(p.prefix);
    });
    count_tensor(prefix == kPrefixes.end() ? rest : component(prefix->component, prefix->kind),
                 tensor);
  }
  if (rest.tensors != 0 || found.empty()) {
    // Beside known parts, the rest (noise schedules, position ids) is nothing by itself.
    rest.kind = found.empty() ? std::string(sign_of(checkpoint)) : "other";
    rest.name = rest.kind;
    rest.format = format;
    found.push_back(std::move(rest));
  }
  return found;
}

std::string component_kind(std::string_view name, std::string_view class_name) {
  const auto lower = [](std::string_view text) {
    std::string out(text);
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return out;
  };
  for (const std::string& text : {lower(name), lower(class_name)}) {
    for (const KindName& known : kKinds) {
      if (text.find(known.word) != std::string::npos) return std::string(known.kind);
    }
  }
  return "model";
}

}  // namespace roost::formats

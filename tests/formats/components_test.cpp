#include "formats/components.h"

#include <gtest/gtest.h>

namespace roost::formats {
namespace {

Checkpoint checkpoint_of(const std::vector<std::string>& names) {
  Checkpoint checkpoint;
  for (const std::string& name : names) {
    checkpoint.tensors.push_back({.name = name, .dtype = Dtype::F16, .shape = {10}, .bytes = 20});
  }
  return checkpoint;
}

struct ComponentsCase {
  const char* name;
  std::vector<std::string> tensors;
  std::vector<std::string> components;
};
class ComponentsTest : public testing::TestWithParam<ComponentsCase> {};

TEST_P(ComponentsTest, AreFoundByNames) {
  std::vector<std::string> found;
  std::uint64_t tensors = 0;
  for (const Component& part : find_components(checkpoint_of(GetParam().tensors))) {
    found.push_back(part.name);
    tensors += part.tensors;
    EXPECT_EQ(part.bytes, part.tensors * 20);
    EXPECT_EQ(part.parameters, part.tensors * 10);
    EXPECT_EQ(part.format, "safetensors");
  }
  EXPECT_EQ(found, GetParam().components);
  EXPECT_EQ(tensors, GetParam().tensors.size());
}

using Names = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    All, ComponentsTest,
    testing::Values(
        ComponentsCase{"Plain", {"encoder.layer.0.weight"}, {"model"}},
        ComponentsCase{"Empty", {}, {"model"}},
        ComponentsCase{"StableDiffusion",
                       {"alphas_cumprod", "cond_stage_model.transformer.x",
                        "first_stage_model.decoder.conv_in.weight",
                        "model.diffusion_model.input_blocks.0.0.weight"},
                       {"text_encoder", "vae", "unet", "other"}},
        ComponentsCase{"StableDiffusionXl",
                       {"conditioner.embedders.0.x", "conditioner.embedders.1.x",
                        "first_stage_model.x", "model.diffusion_model.x"},
                       {"text_encoder", "text_encoder_2", "vae", "unet"}},
        ComponentsCase{"StableDiffusion3",
                       {"model.diffusion_model.joint_blocks.0.x", "text_encoders.t5xxl.x"},
                       {"transformer", "text_encoder_3"}},
        ComponentsCase{"Lora", {"unet.down_blocks.0.attn.lora_A.weight"}, {"lora"}},
        ComponentsCase{"KohyaLora", {"lora_te_x.lora_up.weight", "lora_unet_x.alpha"}, {"lora"}},
        ComponentsCase{"ControlNet", {"controlnet_cond_embedding.conv_in.bias"}, {"controlnet"}},
        ComponentsCase{"OldControlNet", {"control_model.input_hint_block.0.bias"}, {"controlnet"}},
        ComponentsCase{"Vae", {"decoder.up_blocks.0.x", "encoder.conv_in.weight"}, {"vae"}},
        ComponentsCase{"Unet", {"conv_in.weight", "time_embedding.linear_1.weight"}, {"unet"}},
        ComponentsCase{"Flux", {"double_blocks.0.x", "single_blocks.0.x"}, {"transformer"}},
        ComponentsCase{"Clip", {"text_model.encoder.layers.0.x"}, {"text_encoder"}}),
    [](const auto& test) { return test.param.name; });

TEST(Components, KindsComeFromFoldersAndClasses) {
  EXPECT_EQ(component_kind("unet", ""), "unet");
  EXPECT_EQ(component_kind("text_encoder_2", "CLIPTextModelWithProjection"), "text_encoder");
  EXPECT_EQ(component_kind("x", "AutoencoderKL"), "vae");
  EXPECT_EQ(component_kind("x", "FluxTransformer2DModel"), "transformer");
  EXPECT_EQ(component_kind("scheduler", "PNDMScheduler"), "scheduler");
  EXPECT_EQ(component_kind("x", "y"), "model");
}

}  // namespace
}  // namespace roost::formats

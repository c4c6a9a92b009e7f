#include "tensor/linear.h"

#include <algorithm>
#include <array>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>

#include "base/assert.h"
#include "base/checked.h"
#include "roost/error.h"

// libgomp's, which oneDNN brings: counts for the calling thread only.
extern "C" {
void omp_set_num_threads(int threads);
int omp_get_max_threads(void);
}

namespace roost::tensor {
namespace {

using dnnl::memory;
using DataType = memory::data_type;

// Rows that a product may have; a block is cut into these, largest first.
constexpr std::array<std::size_t, 3> kHeights = {64, 32, 16};
static_assert(kHeights.front() == kBlockRows && kHeights.back() == kRowAlign);

const dnnl::engine& processor() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& stream_here() {
  thread_local dnnl::stream stream(processor());
  return stream;
}

// oneDNN plans a primitive for the threads OpenMP would start: here for one.
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const int before_ = omp_get_max_threads();
};

DataType type_of(Precision precision) {
  return precision == Precision::F32 ? DataType::f32 : DataType::bf16;
}

memory::dim dim(std::size_t size) {
  return static_cast<memory::dim>(size);
}

// The products of panels of one width.
struct PanelKernel {
  memory::desc weights;  // laid out as oneDNN likes them
  std::array<dnnl::matmul::primitive_desc, kHeights.size()> plans;
  std::array<dnnl::matmul, kHeights.size()> products;

  PanelKernel(const LinearShape& shape, std::size_t columns, Precision precision) {
    const memory::dim in = dim(shape.in), out = dim(columns);
    weights = memory::desc({in, out}, type_of(precision), memory::format_tag::any);
    for (std::size_t i = 0; i < kHeights.size(); ++i) {
      const memory::dim rows = dim(kHeights[i]);
      const memory::desc x({rows, in}, type_of(precision), memory::format_tag::ab);
      const memory::desc bias({1, out}, DataType::f32, memory::format_tag::ab);
      const memory::desc y({rows, out}, DataType::f32, memory::format_tag::ab);
      dnnl::primitive_attr attributes;
      attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
      plans[i] = {{x, weights, bias, y}, attributes, processor()};
      weights = plans[i].weights_desc();  // the others take the layout of the tallest
      products[i] = dnnl::matmul(plans[i]);
    }
  }

  std::size_t bytes() const {
    return checked_align_up(weights.get_size(), kRegionAlign).value_or(SIZE_MAX);
  }

  std::size_t scratch_bytes() const {
    std::size_t most = 0;
    for (const auto& plan : plans) most = std::max(most, plan.scratchpad_desc().get_size());
    return most;
  }
};

std::size_t height_for(std::size_t rows) {
  for (std::size_t i = 0; i < kHeights.size(); ++i) {
    if (rows >= kHeights[i]) return i;
  }
  return kHeights.size() - 1;
}

}  // namespace

struct Linear::Impl {
  struct Panel {
    std::size_t first = 0, columns = 0, offset = 0;
    const PanelKernel* kernel = nullptr;
  };

  Impl(const LinearShape& of, Precision in) : shape(of), precision(in) {
    const std::size_t count = (of.out + kMostColumns - 1) / kMostColumns;
    // Equal panels, but for the last: two kernels at most.
    const std::size_t width = padded_rows((of.out + count - 1) / count);
    for (std::size_t first = 0; first < of.out; first += width) {
      Panel panel{first, std::min(width, of.out - first), packed_bytes, nullptr};
      const auto found = kernels.try_emplace(panel.columns, of, panel.columns, precision).first;
      panel.kernel = &found->second;
      packed_bytes += panel.kernel->bytes();
      scratch_bytes = std::max(scratch_bytes, panel.kernel->scratch_bytes());
      panels.push_back(panel);
    }
  }

  const LinearShape shape;
  const Precision precision;
  std::map<std::size_t, PanelKernel> kernels;  // by columns
  std::vector<Panel> panels;
  std::size_t packed_bytes = 0;
  std::size_t scratch_bytes = 0;
};

Linear::Linear(const LinearShape& shape, Precision precision) {
  ROOST_ASSERT(shape.in > 0 && shape.out > 0);
  const OneThread alone;
  try {
    impl_ = std::make_unique<Impl>(shape, precision);
  } catch (const dnnl::error& error) {
    throw RoostError(
        error.status == dnnl_out_of_memory ? ErrorCode::OutOfMemory : ErrorCode::Unsupported,
        "a product of " + std::string(to_string(precision)) + " numbers, " +
            std::to_string(shape.in) + " to " + std::to_string(shape.out) +
            ", cannot be made on this processor: " + error.what());
  }
}

Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;

const LinearShape& Linear::shape() const {
  return impl_->shape;
}
std::size_t Linear::packed_bytes() const {
  return impl_->packed_bytes;
}
std::size_t Linear::scratch_bytes() const {
  return impl_->scratch_bytes;
}
std::size_t Linear::panels() const {
  return impl_->panels.size();
}
std::size_t Linear::first_column(std::size_t panel) const {
  return impl_->panels[panel].first;
}
std::size_t Linear::columns(std::size_t panel) const {
  return impl_->panels[panel].columns;
}

void Linear::pack(std::size_t panel, std::span<const float> rows, std::byte* packed) const {
  const Impl::Panel& to = impl_->panels[panel];
  ROOST_ASSERT(rows.size() == to.columns * impl_->shape.in);
  const OneThread alone;
  const memory::desc as_read({dim(impl_->shape.in), dim(to.columns)}, DataType::f32,
                             memory::format_tag::ba);
  memory from(as_read, processor(), const_cast<float*>(rows.data()));
  memory laid_out(to.kernel->weights, processor(), packed + to.offset);
  dnnl::reorder(from, laid_out).execute(stream_here(), from, laid_out);
  stream_here().wait();
}

void Linear::run(std::size_t panel, const std::byte* packed, const void* x, std::size_t rows,
                 const float* bias, float* y, Scratch scratch) const {
  ROOST_ASSERT(scratch.size() >= impl_->scratch_bytes);
  const OneThread alone;
  const Impl::Panel& of = impl_->panels[panel];
  const std::size_t row_bytes = impl_->shape.in * bytes_of(impl_->precision);
  const auto* input = static_cast<const std::byte*>(x);
  const dnnl::engine& engine = processor();
  dnnl::stream& stream = stream_here();
  // oneDNN's interface takes no constants; it writes to `y` and the scratch pad alone.
  memory weights(of.kernel->weights, engine, const_cast<std::byte*>(packed) + of.offset);
  for (std::size_t done = 0; done < rows;) {
    const std::size_t i = height_for(rows - done);
    const dnnl::matmul::primitive_desc& plan = of.kernel->plans[i];
    memory from(plan.src_desc(), engine, const_cast<std::byte*>(input + done * row_bytes));
    memory to(plan.dst_desc(), engine, y + done * of.columns);
    memory added(plan.bias_desc(), engine, const_cast<float*>(bias + of.first));
    memory pad(plan.scratchpad_desc(), engine, scratch.data());
    of.kernel->products[i].execute(stream, {{DNNL_ARG_SRC, from},
                                            {DNNL_ARG_WEIGHTS, weights},
                                            {DNNL_ARG_BIAS, added},
                                            {DNNL_ARG_DST, to},
                                            {DNNL_ARG_SCRATCHPAD, pad}});
    done += kHeights[i];
  }
}

}  // namespace roost::tensor

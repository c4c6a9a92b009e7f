# Compiler flags shared by every target. Warnings are on everywhere; hardening costs little.
add_library(roost_flags INTERFACE)
target_compile_options(roost_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -fstack-protector-strong)
target_compile_definitions(roost_flags INTERFACE _GLIBCXX_ASSERTIONS)
if(ROOST_WERROR)
  target_compile_options(roost_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(roost_flags INTERFACE -Wthread-safety)
else()
  # GCC 12 reports these falsely in optimised libstdc++ code (gcc bugs 105329, 105651, 107852).
  target_compile_options(roost_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(ROOST_SANITIZE)
  target_compile_options(roost_flags INTERFACE
    -fsanitize=${ROOST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(roost_flags INTERFACE -fsanitize=${ROOST_SANITIZE})
endif()
if(ROOST_PERTURB)
  target_compile_definitions(roost_flags INTERFACE ROOST_PERTURB)
endif()

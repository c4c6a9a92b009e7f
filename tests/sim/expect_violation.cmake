# cmake -DSIM=<roost_sim> -DFAULT=<name> -P expect_violation.cmake: the planted bug must end in a
# violation and exit 1; a crash or a clean run is no proof.
execute_process(COMMAND ${SIM} --seeds 20 --steps 2000 --plant ${FAULT}
  RESULT_VARIABLE result OUTPUT_VARIABLE output)
if(NOT result EQUAL 1 OR NOT output MATCHES "violations=1\n$")
  message(FATAL_ERROR "exit ${result}, not 1 with a violation:\n${output}")
endif()

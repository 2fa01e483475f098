package rig

const childEnv = "FAULTLAB_RIG_TEST_CHILD"

func child() {}

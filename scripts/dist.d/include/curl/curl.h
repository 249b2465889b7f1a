/* librdkafka built by CMake includes this even without curl (rdkafka_conf.c: #ifdef of a macro that is always defined), and uses
   nothing of it. Can go when `rdkafka-sys` brings a librdkafka that asks with #if. */

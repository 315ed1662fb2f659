#include "rk_blake3.h"

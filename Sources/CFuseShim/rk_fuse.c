#include "rk_fuse.h"

/* The other half of two_units_a.c. */
#include <vdb.h>

uint32_t number_seen_by_b(void);
uint32_t number_seen_by_b(void) { return vdb_version_number(); }

/* What pkg-config finds as vdb; a header that lies beside this one would be another library's. */
#include <vdb.h>

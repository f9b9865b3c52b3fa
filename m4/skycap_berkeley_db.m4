# SKYCAP_BERKELEY_DB
# Berkeley DB 5.3 brings no .pc file.  Sets DB_CFLAGS and DB_LIBS, or stops
# with the name of the Debian package.  The release is pinned: on-disk regions
# and recovery were tested with 5.3 alone.
AC_DEFUN([SKYCAP_BERKELEY_DB], [
AC_ARG_VAR([DB_CFLAGS], [C compiler flags for Berkeley DB 5.3])
AC_ARG_VAR([DB_LIBS], [linker flags for Berkeley DB 5.3])
AS_IF([test -z "$DB_LIBS"], [DB_LIBS=-ldb-5.3])
AC_MSG_CHECKING([for Berkeley DB 5.3])
skycap_save_CFLAGS=$CFLAGS
skycap_save_LIBS=$LIBS
CFLAGS="$CFLAGS $DB_CFLAGS"
LIBS="$DB_LIBS $LIBS"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <db.h>
#if DB_VERSION_MAJOR != 5 || DB_VERSION_MINOR != 3
#error "not Berkeley DB 5.3"
#endif
]], [[DB_ENV *e; return db_env_create(&e, 0);]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([Berkeley DB 5.3 is missing: on Debian, apt-get install libdb5.3-dev])])
CFLAGS=$skycap_save_CFLAGS
LIBS=$skycap_save_LIBS
])

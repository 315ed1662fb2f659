#pragma once

#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast that Swift cannot import. */
static inline sqlite3_destructor_type
rk_sqlite_transient(void)
{
	return (SQLITE_TRANSIENT);
}

/* Keeps what a hostile file defines from running: Swift cannot call functions with variable arguments. */
static inline void
rk_sqlite_harden(sqlite3 *db)
{

	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)0);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)0);
}

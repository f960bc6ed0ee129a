from tortoise.migrations.autodetector import MigrationAutodetector
from db import connection
async def test_x(database):
    c=await MigrationAutodetector(database.apps, connection._APPS).changes()
    for w in c:
        for o in w.operations: print(type(o).__name__, {k:(vars(v) if hasattr(v,'__dict__') else v) for k,v in vars(o).items()})
    from db import sql
    print(await sql.rows("select column_default from information_schema.columns where table_name='student' and column_name='id'"))

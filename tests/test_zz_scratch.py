import re
import pytest
from db import sql
from tests import test_query_plans as t
from tests.test_query_plans import filled  # noqa

@pytest.mark.usefixtures("filled")
async def test_mine() -> None:
    known = {row["name"] for row in await sql.rows("SELECT indexname AS name FROM pg_indexes")}
    used = {}; bad=[]
    for name, query in t._queries().items():
        if not name.startswith(("reports","duplicates")): continue
        try: nodes = await t._plan(query, t.ARGUMENTS[name])
        except Exception as e: bad.append((name,repr(e))); continue
        used[name] = t._indexes(nodes)
        whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
        if not (whole <= t.SMALL or name in t.COUNTING_ALL): bad.append((name,"WHOLE",whole))
    for module in t.MODULES:
        for name, comment in t._comments(module):
            if name not in used: continue
            named = {word for word in re.findall(r"\w+", comment.partition("Uses ")[2]) if word in known}
            if "Uses " in comment and not (named and named<=used[name]): bad.append((name,named,used[name]))
    for b in bad: print(b)
    assert not bad

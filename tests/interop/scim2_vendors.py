"""scim2-tester (PyPI) against every vendor in the strict profile, whose emulators keep their vendors' own
rules. What fails must be exactly what the vendor's page lists as what the vendor cannot hold, in a
table behind `<!-- scim2-tester -->`: `| User check_remove_attribute active | why |`. A row whose why
begins with "sometimes" may fail or not, for the tester draws values.
Names of vendors as arguments choose some; `--show` prints what every failing check said."""

import pathlib
import re
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from scim2_clients import ROOT, VENDORS, served

# WEDO does not let the last administrator go, and the tester draws `userType`.
ADMINISTRATOR = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "admin@scimgate.example",
    "displayName": "Ada Lane",
    "emails": [{"type": "work", "value": "admin@scimgate.example"}],
    "userType": "Administrator",
}

ROW = re.compile(r"^\| `([^`]+)` \| (.*) \|$", re.MULTILINE)


def main():
    chosen = [name for name in sys.argv[1:] if not name.startswith("--")] or VENDORS
    wrong = [vendor for vendor in chosen if not holds(vendor)]
    sys.exit(f"not as their pages say: {', '.join(wrong)}" if wrong else 0)


def holds(vendor):
    with served(vendor) as (url, token):
        http = Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        if vendor == "wedo":
            http.post("/Users", json=ADMINISTRATOR).raise_for_status()
        results = check_server(SyncSCIMClient(http))
    failed = {}
    for result in results:
        if result.status != Status.SUCCESS:
            failed.setdefault(name_of(result), result.reason)
    if "--show" in sys.argv:
        for name, reason in failed.items():
            print(f"{vendor}: {name}: {reason}")
    listed = on_page(vendor)
    unlisted = [name for name in failed if name not in listed]
    for name in unlisted:
        print(f"{vendor}: {name} fails and is not on the page: {failed[name]}")
    idle = [name for name, why in listed.items() if name not in failed and not why.startswith("sometimes")]
    for name in idle:
        print(f"{vendor}: {name} is on the page and does not fail")
    print(f"{vendor}: {len(results)} checks, {len(failed)} kinds of failures")
    return not unlisted and not idle


def name_of(result):
    """`User check_remove_attribute active`: resource type, check and attribute, if it is about one."""
    attribute = re.search(r"'([\w:.]+)'", result.reason or "")
    attribute = attribute.group(1) if "attribute" in result.title and attribute else None
    kind = (result.resource_type or "").split("[")[0]
    return " ".join(part for part in (kind, result.title, attribute) if part)


def on_page(vendor):
    page = (ROOT / f"adapters/{vendor}.md").read_text()
    _, _, table = page.partition("<!-- scim2-tester -->")
    return dict(ROW.findall(table.partition("\n\n")[0]))


if __name__ == "__main__":
    main()

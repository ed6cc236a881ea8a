"""Onboards two people at a bank through the Fusion API, moves money between them and prints the first one's statement.

Written against the API's contract alone, with nothing but the standard library, as a fintech's own program would be. Settings come from the
environment: FUSION_BASE_URL (such as https://fusion.bank.example), FUSION_TOKEN, FUSION_IFI, FUSION_BUNDLE, FUSION_FUNDING_ACCOUNT.

Exit codes: 0 all done, 1 the bank refused something, 2 a setting is missing, 3 the token is not accepted, 4 the bank cannot be reached.
"""

import json
import os
import random
import string
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone


class Refused(Exception):
    """An answer other than 200, or an application that was rejected."""

    def __init__(self, status, body):
        self.status = status
        self.code = body.get("errorCode", "")
        self.trace = body.get("traceID", "")
        super().__init__(body.get("message") or f"HTTP {status}")


class Unreachable(Exception):
    """No answer after several tries. Whether a POST was carried out is not known; its requestID makes repeating it safe."""


class FusionClient:
    def __init__(self, base_url, token, ifi):
        self.root = f"{base_url.rstrip('/')}/api/v1/ifi/{ifi}"
        self.token = token

    def get(self, path):
        return self._call("GET", path, None)

    def post(self, path, body):
        return self._call("POST", path, json.dumps(body).encode())

    def _call(self, method, path, data):
        # Every POST carries its own requestID or formID, so a lost answer is asked for again with the same bytes.
        for attempt in range(4):
            if attempt:
                time.sleep(0.2 * 2**attempt)
            request = urllib.request.Request(self.root + path, data=data, method=method)
            request.add_header("X-Zeta-AuthToken", self.token)
            request.add_header("Content-Type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refusal:
                if refusal.code not in (408, 429, 502, 503, 504):
                    raise Refused(refusal.code, parse(refusal.read())) from None
            except (urllib.error.URLError, OSError):
                pass
        raise Unreachable(f"no answer from {self.root}")


def parse(raw):
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def create_person(client, first_name, last_name):
    """The new account holder's id."""
    letters = "".join(random.choices(string.ascii_uppercase, k=5))
    answer = client.post(
        "/applications/newIndividual",
        {
            "ifiID": client.root.rsplit("/", 1)[1],
            "formID": f"onboard-py-{uuid.uuid4()}",
            "applicationType": "CREATE_ACCOUNT_HOLDER",
            "individualType": "REAL",
            "firstName": first_name,
            "lastName": last_name,
            "dob": {"year": 1992, "month": 7, "day": 9},
            "gender": "",
            "kycDetails": {
                "kycStatus": "MINIMAL",
                "authType": "PAN",
                "authData": {"PAN": f"{letters}{random.randrange(10**4):04}Z"},
            },
            "vectors": [{"type": "p", "value": f"+9197{random.randrange(10**8):08}", "isVerified": True}],
        },
    )
    if answer["status"] != "APPROVED":
        raise Refused(200, {"message": answer.get("statusDetails", {}).get("message", answer["status"])})
    return answer["individualID"]


def issue_wallet(client, bundle, holder, name):
    """The new account's id."""
    issued = client.post(
        f"/bundles/{bundle}/issueBundle",
        {"accountHolderID": holder, "name": name, "requestID": str(uuid.uuid4())},
    )
    return issued["accounts"][0]["accountID"]


def transfer(client, debit, credit, paise, code, remarks):
    body = {
        "requestID": str(uuid.uuid4()),
        "amount": {"currency": "INR", "amount": paise},
        "transferCode": code,
        "debitAccountID": debit,
        "creditAccountID": credit,
        "transferTime": int(time.time() * 1000),
        "remarks": remarks,
        "attributes": {},
    }
    answer = client.post("/transfers", body)
    if answer["status"] != "SUCCESS":
        raise Refused(200, {"message": f"transfer {answer['status']}"})
    return body, answer


def statement(client, account):
    """Every transaction, page after page."""
    page, size = 1, 2
    while True:
        answer = client.get(f"/accounts/{account}/transactions?pageNumber={page}&pageSize={size}")
        yield from answer["accountTransactionList"]
        if len(answer["accountTransactionList"]) < size:
            return
        page += 1


def rupees(paise):
    return f"{paise // 100}.{paise % 100:02}"


def run(client, bundle, funding):
    payer = create_person(client, "Lata", "Pillai")
    payee = create_person(client, "Imran", "Sheikh")
    print(f"holders {payer} {payee}")
    payer_account = issue_wallet(client, bundle, payer, "Wallet of Lata")
    payee_account = issue_wallet(client, bundle, payee, "Wallet of Imran")
    print(f"accounts {payer_account} {payee_account}")

    transfer(client, funding, payer_account, 50_000, "A2A_VBOPayout-VBO2U_AUTH", "load")
    body, first = transfer(client, payer_account, payee_account, 12_345, "A2A_P2P_AUTH", "rent")
    # As after a lost answer: the same request again is the same transfer.
    again = client.post("/transfers", body)
    if again["transferID"] != first["transferID"]:
        raise Refused(200, {"message": "a repeated transfer moved money twice"})
    try:
        transfer(client, payer_account, payee_account, 9_999_999, "A2A_P2P_AUTH", "too much")
    except Refused as refusal:
        if str(refusal) != "Insufficient balance in Account":
            raise
        print(f"refused {refusal}")

    for line in statement(client, payer_account):
        at = datetime.fromtimestamp(line["timestamp"] / 1000, timezone.utc).isoformat(timespec="milliseconds")
        print(
            f"statement {at.replace('+00:00', 'Z')} {line['recordType']} {rupees(line['amount'])}"
            f" balance {rupees(line['newBalance'])} {line['transactionID']} {line['remarks']}"
        )
    balance = client.get(f"/accounts/{payer_account}/balance")
    print(f"balance {rupees(balance['balance'])} {balance['currency']}")


def main():
    names = ["FUSION_BASE_URL", "FUSION_TOKEN", "FUSION_IFI", "FUSION_BUNDLE", "FUSION_FUNDING_ACCOUNT"]
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        print(f"Set {', '.join(missing)}.", file=sys.stderr)
        return 2
    base_url, token, ifi, bundle, funding = (os.environ[name] for name in names)
    try:
        run(FusionClient(base_url, token, ifi), bundle, funding)
        return 0
    except Refused as refusal:
        quote = f" (code {refusal.code}, trace {refusal.trace})" if refusal.code else ""
        if refusal.status == 401:
            print(f"The token is not accepted: {refusal}{quote}. Generate another one.", file=sys.stderr)
            return 3
        print(f"Refused: {refusal}{quote}", file=sys.stderr)
        return 1
    except Unreachable as failure:
        print(f"The bank cannot be reached: {failure}", file=sys.stderr)
        return 4


if __name__ == "__main__":
    sys.exit(main())

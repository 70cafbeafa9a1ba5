"""Contracts: reading, what is refused and in which words, writing; and what differs between two policies."""

import tomllib

import pytest

from overflight.errors import InputError
from overflight.service.contracts import (
    MOST_CONTRACTS,
    Contract,
    ContractError,
    Contracts,
    contracts_schema,
    load_contracts,
    parse_contracts,
)
from overflight.service.difference import Difference, find_difference
from overflight.service.policy import parse_policy

LEAST = {"name": "a", "customer": "Agency", "territories": ["MT"], "terminals": 4, "down_mbps": 50}

FULL = {
    "name": "disaster-relief",
    "customer": "Relief Agency",
    "territories": ["Taiwan", "PHL"],
    "terminals": 60,
    "down_mbps": 50.5,
    "up_mbps": 5,
    "availability_percent": 99.95,
    "terminal_class": "emergency",
    "owner": "relief",
    "terminal_ids": ["KIT-1", "KIT-2"],
    "value_per_year": 1_800_000,
    "currency": "EUR",
    "priority": 4,
    "starts": "2026-01-01",
    "ends": "2027-01-01T12:00:00+02:00",
    "source": "tender 7",
}

GOOD = {"name": "good"}
"""A sound contract beside a bad one."""


def with_keys(**keys) -> dict:
    return LEAST | keys


def parse(*rows: dict) -> Contracts:
    return parse_contracts({"contracts": list(rows)})


def refused(*rows: dict) -> str:
    with pytest.raises(ContractError) as error:
        parse_contracts({"contracts": list(rows)}, source="c.toml")
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith("c.toml: ")
    return text


class TestReading:
    def test_what_is_left_out_has_its_usual_value(self):
        (contract,) = parse(LEAST).contracts
        assert (contract.up_mbps, contract.availability_percent, contract.terminal_class) == (0.0, 99.0, "government")
        assert (contract.value_per_year, contract.currency, contract.priority) == (0.0, "USD", 1.0)
        assert (contract.starts, contract.ends, contract.terminal_ids) == (None, None, ())

    def test_territories_are_codes_and_times_are_utc(self):
        (contract,) = parse(FULL).contracts
        assert contract.territories == ("TW", "PH")
        assert contract.starts == "2026-01-01T00:00:00Z"
        assert contract.ends == "2027-01-01T10:00:00Z"

    def test_a_territory_named_twice_counts_once(self):
        assert parse(with_keys(territories=["Malta", "MT", "mlt", "TW"])).contracts[0].territories == ("MT", "TW")

    def test_the_owner_is_the_customer_unless_it_is_said(self):
        assert parse(LEAST).contracts[0].owned_by == "Agency"
        assert parse(FULL).contracts[0].owned_by == "relief"

    def test_contracts_are_frozen(self):
        contracts = parse(LEAST)
        with pytest.raises(ValueError, match="frozen"):
            contracts.contracts[0].terminals = 5

    @pytest.mark.parametrize("count", [1, MOST_CONTRACTS])
    def test_up_to_a_hundred_are_taken_in_their_order(self, count):
        rows = [with_keys(name=f"c{number}") for number in range(count)]
        assert [row.name for row in parse(*rows).contracts] == [row["name"] for row in rows]

    @pytest.mark.parametrize(
        ("key", "values"),
        [
            ("terminals", (1, 10_000_000)),
            ("down_mbps", (1e-9, 1e6)),
            ("up_mbps", (0, 0.0)),
            ("availability_percent", (50, 99.999)),
            ("priority", (1e-9, 1000)),
            ("value_per_year", (0, 1e15)),
        ],
    )
    def test_bounds_belong_to_what_is_allowed(self, key, values):
        for value in values:
            assert getattr(parse(with_keys(**{key: value})).contracts[0], key) == value


class TestRoundTrip:
    @pytest.mark.parametrize("rows", [[LEAST], [FULL], [FULL, LEAST]], ids=["least", "full", "both"])
    def test_contracts_come_back_from_toml(self, rows):
        contracts = parse(*rows)
        back = parse_contracts(tomllib.loads(contracts.to_toml()))
        assert back == contracts
        assert back.digest() == contracts.digest()
        assert back.to_toml() == contracts.to_toml()

    def test_from_a_file_too(self, tmp_path):
        path = tmp_path / "c.toml"
        path.write_text(parse(FULL, LEAST).to_toml(), encoding="utf-8")
        assert load_contracts(path) == parse(FULL, LEAST)

    def test_another_way_of_writing_has_the_same_digest(self):
        written_out = with_keys(territories=["Malta"], up_mbps=0.0, currency="USD", down_mbps=50.0)
        assert parse(written_out).digest() == parse(LEAST).digest()

    @pytest.mark.parametrize("key", [key for key in FULL if key not in {"name", "territories"}])
    def test_every_key_changes_the_digest(self, key):
        digest = parse(with_keys(**{key: FULL[key]} | ({"terminals": 60} if key == "terminal_ids" else {}))).digest()
        assert digest != parse(with_keys(**({"terminals": 60} if key == "terminal_ids" else {}))).digest()

    def test_the_order_of_contracts_is_part_of_it(self):
        assert parse(FULL, LEAST).digest() != parse(LEAST, FULL).digest()


class TestRefused:
    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            ({"termnals": 3}, "unknown key contract 1, 'termnals' (did you mean 'terminals'?)"),
            ({"rate": 3}, "unknown key contract 1, 'rate' ("),
            ({"territories": ["Taiwann"]}, "'territories': unknown territory 'Taiwann'; did you mean Taiwan"),
            ({"territories": "MT"}, "'territories' = 'MT': must be a list"),
            ({"territories": [5]}, "must be text in quotes"),
            ({"terminals": 0}, "'terminals' = 0: must be greater than or equal to 1"),
            ({"terminals": 10_000_001}, "must be less than or equal to 10000000"),
            ({"terminals": 1.5}, "'terminals' = 1.5: must be a valid integer"),
            ({"down_mbps": 0}, "'down_mbps' = 0: must be greater than 0"),
            ({"down_mbps": float("nan")}, "'down_mbps' = nan: must be a finite number"),
            ({"down_mbps": float("inf")}, "'down_mbps' = inf: must be a finite number"),
            ({"up_mbps": -1}, "'up_mbps' = -1: must be greater than or equal to 0"),
            ({"up_mbps": float("nan")}, "'up_mbps' = nan: must be a finite number"),
            ({"availability_percent": 100}, "'availability_percent' = 100: must be less than or equal to 99.999"),
            ({"availability_percent": 49.9}, "'availability_percent' = 49.9: must be greater than or equal to 50"),
            ({"availability_percent": float("nan")}, "'availability_percent' = nan"),
            ({"availability_percent": float("inf")}, "'availability_percent' = inf"),
            ({"value_per_year": -1}, "'value_per_year' = -1: must be greater than or equal to 0"),
            ({"value_per_year": float("inf")}, "'value_per_year' = inf: must be a finite number"),
            ({"priority": 0}, "'priority' = 0: must be greater than 0"),
            ({"priority": 1001}, "must be less than or equal to 1000"),
            ({"priority": float("nan")}, "'priority' = nan: must be a finite number"),
            ({"currency": "usd"}, "'currency': must be three capital letters"),
            ({"currency": "DOLLAR"}, "'currency': must be three capital letters"),
            ({"terminal_class": "boat"}, "'terminal_class' = 'boat': must be 'consumer', 'enterprise'"),
            ({"name": "a b"}, "'name' = 'a b': may have letters, digits"),
            ({"customer": ""}, "'customer': says nothing"),
            ({"starts": "soon"}, "'starts': time 'soon': not ISO 8601; write it as 2026"),
            ({"starts": "2026-02-03", "ends": "2026-02-02"}, "it ends (2026-02-02T00:00:00Z) before it begins (2026-02-03T00:00:00Z)"),
            ({"starts": "2026-02-02", "ends": "2026-02-02"}, "it ends (2026-02-02T00:00:00Z)"),
            ({"terminal_ids": list("abcde")}, "contract 'a': 5 terminal_ids for 4 terminals; name no more than there are"),
            ({"terminal_ids": []}, "terminal_ids is an empty list; name at least one, or leave the key out"),
        ],
    )
    def test_a_bad_contract_is_refused_in_one_line(self, bad, said):
        assert said in refused(with_keys(**bad))

    @pytest.mark.parametrize("key", sorted(LEAST))
    def test_what_must_be_there_is_named(self, key):
        row = {name: value for name, value in LEAST.items() if name != key}
        assert f"contract 1, '{key}' is missing" in refused(row)

    def test_identifiers_given_twice_count_once(self):
        assert len(set(parse(with_keys(terminal_ids=["a", "a", "b", "c", "d"])).contracts[0].terminal_ids)) == 4

    def test_all_problems_are_told_at_once_each_with_its_contract(self):
        text = refused(with_keys(priority=0), with_keys(name="b", starts="soon"), with_keys(name="c", extra=1), LEAST | GOOD)
        for part in ("contract 1, 'priority'", "contract 2, 'starts'", "contract 3, 'extra'"):
            assert part in text
        assert "contract 4" not in text

    def test_two_of_one_name(self):
        assert "two contracts are named 'a'; give each a name of its own" in refused(LEAST, with_keys(name="b"), with_keys(terminals=9))

    def test_more_than_a_hundred(self):
        assert "at most 100" in refused(*(with_keys(name=f"c{number}") for number in range(MOST_CONTRACTS + 1)))

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            ({}, "'contracts' is missing"),
            ({"contract": [LEAST]}, "unknown key 'contract' (did you mean 'contracts'?)"),
            ({"contracts": 5}, "'contracts' = 5: must be a list"),
            ({"contracts": [5]}, "contract 1 = 5: must be a table"),
            ({"contracts": [LEAST], "name": "x"}, "unknown key 'name'"),
            ({"contracts": []}, "contracts is an empty list"),
        ],
        ids=["nothing", "misnamed", "number", "row", "more", "empty"],
    )
    def test_what_is_no_list_of_contracts(self, raw, said):
        with pytest.raises(ContractError) as error:
            parse_contracts(raw)
        assert said in str(error.value)
        assert "\n" not in str(error.value)


class TestWords:
    """What the first reading of these messages found wanting."""

    def test_one_bad_contract_alone_has_one_problem(self):
        assert ";" not in refused(with_keys(priority=0))

    @pytest.mark.parametrize("rows", [[], [with_keys(territories=[])]], ids=["contracts", "territories"])
    def test_an_empty_list_is_told_as_everywhere(self, rows):
        assert "is an empty list" in refused(*rows)

    def test_no_word_of_the_library_beneath(self):
        rows = [with_keys(name=f"c{number}") for number in range(MOST_CONTRACTS + 1)]
        for text in (refused(*rows), refused(with_keys(customer=""))):
            assert "validation" not in text
            assert "String should" not in text

    def test_a_currency_is_told_what_it_is(self):
        text = refused(with_keys(currency="usd"))
        assert "begins with a letter or digit" not in text
        assert "three" in text or "ISO 4217" in text

    def test_a_term_of_no_length_is_not_told_to_be_turned_round(self):
        assert "swap" not in refused(with_keys(starts="2026-02-02", ends="2026-02-02"))

    def test_a_place_in_a_list_is_named_in_words(self):
        assert "territorie " not in refused(with_keys(territories=[5]))

    @pytest.mark.parametrize("key", ["terminals", "down_mbps", "priority"])
    def test_yes_is_no_number(self, key):
        assert f"'{key}'" in refused(with_keys(**{key: True}))

    @pytest.mark.parametrize("code", ["XA", "XC"])
    def test_territories_without_a_border_cannot_be_promised(self, code):
        assert code in refused(with_keys(territories=[code, "MT"]))


class TestFiles:
    def read(self, tmp_path, raw: bytes) -> Contracts:
        path = tmp_path / "c.toml"
        path.write_bytes(raw)
        return load_contracts(path)

    HEAD = b"[[contracts]]\nname = 'a'\ncustomer = 'C'\nterritories = ['MT']\nterminals = 4\ndown_mbps = 50\n"

    def test_dates_need_no_quotes(self, tmp_path):
        quoted = self.read(tmp_path, self.HEAD + b"starts = '2026-02-02'\nends = '2026-03-02T01:00:00Z'\n")
        plain = self.read(tmp_path, self.HEAD + b"starts = 2026-02-02\nends = 2026-03-02T03:00:00+02:00\n")
        local = self.read(tmp_path, self.HEAD + b"starts = 2026-02-02T00:00:00\nends = 2026-03-02 01:00:00Z\n")
        assert quoted == plain == local

    def test_a_mark_of_byte_order_is_no_matter(self, tmp_path):
        assert self.read(tmp_path, b"\xef\xbb\xbf" + self.HEAD) == self.read(tmp_path, self.HEAD)

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"contracts = ", "not TOML"),
            (b"a" * 5000 + b" = " + b"[" * 5000, "not TOML"),
            (b"\xff\xfec", "not text in UTF-8 (byte 0)"),
            (HEAD + b"customer = 'D'\n", "not TOML"),
            (HEAD + b"upmbps = nan\n", "unknown key contract 1, 'upmbps' (did you mean 'up_mbps'?)"),
            (HEAD + b"value_per_year = inf\n", "'value_per_year' = inf: must be a finite number"),
            (HEAD + b"starts = 07:00:00\n", "'starts'"),
            (b"", "'contracts' is missing"),
        ],
        ids=["cut", "deep", "bytes", "twice", "nan", "inf", "time", "empty"],
    )
    def test_a_bad_file_is_refused_in_one_line_that_names_it(self, tmp_path, raw, said):
        with pytest.raises(ContractError) as error:
            self.read(tmp_path, raw)
        assert said in str(error.value)
        assert str(error.value).startswith(str(tmp_path / "c.toml"))
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("name", ["nothing.toml", "."])
    def test_what_is_no_file(self, tmp_path, name):
        with pytest.raises(InputError) as error:
            load_contracts(tmp_path / name)
        assert "give contracts in TOML" in str(error.value)


def test_the_schema_describes_every_keyword():
    schema = contracts_schema()
    for definition in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in definition["properties"].values())
        assert definition["additionalProperties"] is False
    assert set(schema["$defs"]["Contract"]["properties"]) == set(Contract.model_fields) == set(FULL)


class TestDifference:
    @staticmethod
    def policy(*names: str, verdict="deny", **head):
        rules = [{"name": name, "verdict": verdict, "reason": "because"} for name in names]
        return parse_policy({"rules": rules, "default": {"verdict": "deny", "reason": "end"}} | head)

    @pytest.mark.parametrize(
        ("new", "moved"),
        [
            ("abcd", ()),
            ("dabc", ("d",)),
            ("bcda", ("a",)),
            ("badc", 2),
            ("dcba", 3),
            ("axbycd", ()),
            ("cxab", ("c",)),
        ],
    )
    def test_as_few_as_can_be_have_moved(self, new, moved):
        found = find_difference(self.policy(*"abcd"), self.policy(*new))
        assert found.moved == moved or len(found.moved) == moved
        assert found.added == tuple(name for name in new if name not in "abcd")
        assert found.removed == tuple(name for name in "abcd" if name not in new)

    def test_rules_that_say_something_else(self):
        found = find_difference(self.policy("a", "b"), self.policy("a", "b", verdict="allow"))
        assert found == Difference((), (), ("a", "b"), (), ())

    @pytest.mark.parametrize(
        ("head", "keys"),
        [
            ({"name": "x"}, ("name",)),
            ({"date": "2026-01-01"}, ("date",)),
            ({"default": {"verdict": "allow", "reason": "end"}}, ("default",)),
            ({"source": "y", "operator": "kuiper"}, ("source", "operator")),
        ],
    )
    def test_keys_of_the_policy_itself(self, head, keys):
        found = find_difference(self.policy("a"), self.policy("a", **head))
        assert set(found.settings) == set(keys)
        assert found == Difference((), (), (), (), found.settings)

    def test_none_is_a_policy_without_anything(self):
        policy = self.policy("a", "b")
        assert find_difference(None, policy).added == ("a", "b")
        assert find_difference(policy, None).removed == ("a", "b")
        assert find_difference(None, None) == Difference((), (), (), (), ())

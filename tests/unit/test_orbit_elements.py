"""Reading element sets: each odd input works, warns or is refused in one clear line, and nothing is lost."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from overflight.errors import DataMissingError, ElementSetError
from overflight.intake import Intake
from overflight.orbit.elements import (
    ElementSets,
    mean_altitude_km,
    mean_motion_at_altitude_rev_day,
    parse_elements,
    read_elements,
    with_places,
)

NAME = "STARLINK-1008"
LINE_1 = "1 44714U 19074B   26234.17284867  .00077595  00000+0  89842-3 0  9997"
LINE_2 = "2 44714  53.1481 110.2629 0005172  75.9267 284.2321 15.61165912374481"
OTHER_1 = "1 44718U 19074F   26234.29583470  .00082795  00000+0  94316-3 0  9996"
OTHER_2 = "2 44718  53.1506 109.9488 0001688 125.6879 234.4293 15.61572277374493"
TLE = f"{NAME}\n{LINE_1}\n{LINE_2}\n"
TWO = f"{TLE}STARLINK-1012\n{OTHER_1}\n{OTHER_2}\n"
RECORD = {
    "OBJECT_NAME": NAME,
    "OBJECT_ID": "2019-074B",
    "EPOCH": "2026-08-22T04:08:54.125088",
    "MEAN_MOTION": 15.61165912,
    "ECCENTRICITY": 0.0005172,
    "INCLINATION": 53.1481,
    "RA_OF_ASC_NODE": 110.2629,
    "ARG_OF_PERICENTER": 75.9267,
    "MEAN_ANOMALY": 284.2321,
    "EPHEMERIS_TYPE": 0,
    "NORAD_CAT_ID": 44714,
    "BSTAR": 0.00089842,
    "MEAN_MOTION_DOT": 0.00077595,
    "MEAN_MOTION_DDOT": 0,
}


def read(text: str | bytes, *, strict: bool = False) -> tuple[ElementSets, Intake]:
    table, intake = parse_elements(text.encode() if isinstance(text, str) else text, source="file", strict=strict)
    assert intake.read == len(table) + len(intake.left_out)
    return table, intake


def checked(line: str) -> str:
    """The line with the right checksum in column 69."""
    total = sum(int(c) if c.isdigit() else c == "-" for c in line[:68])
    return f"{line[:68]}{total % 10}"


def replace_columns(line: str, first: int, text: str) -> str:
    """The line with other columns from ``first`` (counted from 1) on, and the right checksum."""
    return checked(line[: first - 1] + text + line[first - 1 + len(text) :])


def xml_of(*records: dict[str, object]) -> str:
    inner = "".join(
        '<omm id="CCSDS_OMM_VERS" version="2.0"><header/><body><segment><data><meanElements>'
        + "".join(f"<{key}>{value}</{key}>" for key, value in record.items())
        + "</meanElements></data></segment></body></omm>\n"
        for record in records
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ndm>\n{inner}</ndm>\n'


def csv_of(*records: dict[str, object]) -> str:
    return "\n".join([",".join(records[0]), *(",".join(str(value) for value in record.values()) for record in records)]) + "\n"


def kvn_of(*records: dict[str, object]) -> str:
    return "".join("CCSDS_OMM_VERS = 2.0\n" + "".join(f"{key} = {value}\n" for key, value in record.items()) for record in records)


def json_of(*records: dict[str, object]) -> str:
    return json.dumps(records, indent=1)


OMM_WRITERS = {"json": json_of, "csv": csv_of, "xml": xml_of, "kvn": kvn_of}


def assert_is_1008(table: ElementSets, *, name: str = NAME) -> None:
    assert len(table) == 1
    assert table.norad_id.tolist() == [44714]
    assert table.name == (name,)
    assert table.international_designator == ("2019-074B",)
    assert str(table.epoch[0]) == "2026-08-22T04:08:54.125088"
    values = [
        table.mean_motion_rev_day[0],
        table.eccentricity[0],
        table.inclination_deg[0],
        table.raan_deg[0],
        table.argument_of_perigee_deg[0],
        table.mean_anomaly_deg[0],
        table.bstar[0],
        table.mean_motion_dot[0],
        table.mean_motion_ddot[0],
    ]
    assert values == [15.61165912, 0.0005172, 53.1481, 110.2629, 75.9267, 284.2321, 0.00089842, 0.00077595, 0.0]


class TestGoodFiles:
    @pytest.mark.parametrize(
        "text",
        [
            TLE,
            TLE.rstrip("\n"),
            TLE.replace("\n", "\r\n"),
            TLE.replace("\n", "\r"),
            TLE.replace("\n", "   \n\n"),
            f"0 {TLE}",
            f"\ufeff{TLE}",
            f"# a comment\n{TLE}",
            f"{NAME}           \n{LINE_1}\n{LINE_2}\n\x1a",
            f"{NAME}\n{LINE_1}\n{LINE_2}   1440.0   0.1\n",
        ],
        ids=["3le", "no-newline", "crlf", "cr", "blanks", "zero-name", "bom", "comment", "dos-end", "columns-beyond-69"],
    )
    def test_three_lines(self, text: str) -> None:
        table, intake = read(text)
        assert_is_1008(table)
        assert not intake.warnings

    def test_two_lines_get_a_name_from_the_number(self) -> None:
        table, _ = read(f"{LINE_1}\n{LINE_2}\n")
        assert_is_1008(table, name="NORAD 44714")

    def test_two_and_three_lines_mixed(self) -> None:
        table, intake = read(f"{LINE_1}\n{LINE_2}\nSTARLINK-1012\n{OTHER_1}\n{OTHER_2}\n")
        assert table.name == ("NORAD 44714", "STARLINK-1012")
        assert not intake.left_out

    @pytest.mark.parametrize("kind", OMM_WRITERS)
    def test_omm(self, kind: str) -> None:
        assert_is_1008(read(OMM_WRITERS[kind](RECORD))[0])

    @pytest.mark.parametrize("kind", OMM_WRITERS)
    def test_omm_with_strings_nine_digits_and_z(self, kind: str) -> None:
        record = {**{key: str(value) for key, value in RECORD.items()}, "NORAD_CAT_ID": "799501234", "EPOCH": "2026-08-22T04:08:54Z"}
        table, intake = read(OMM_WRITERS[kind](record))
        assert table.norad_id.tolist() == [799501234]
        assert str(table.epoch[0]) == "2026-08-22T04:08:54.000000"
        assert not intake.left_out

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            (json.dumps(RECORD), 1),
            (json.dumps([RECORD]), 1),
            ("\n".join(json.dumps({**RECORD, "NORAD_CAT_ID": k}) for k in (1, 2, 3)), 3),
            (json.dumps([{**RECORD, "NORAD_CAT_ID": k} for k in (1, 2, 3)]).replace("}, ", "},\n"), 3),
        ],
        ids=["object", "array", "json-lines", "array-of-three"],
    )
    def test_shapes_of_json(self, text: str, count: int) -> None:
        table, intake = read(text)
        assert (len(table), intake.read) == (count, count)

    def test_gzip_and_utf16(self) -> None:
        assert_is_1008(read(gzip.compress(TLE.encode()))[0])
        assert_is_1008(read(json_of(RECORD).encode("utf-16"))[0])

    def test_csv_with_quotes(self) -> None:
        table, _ = read(csv_of(RECORD).replace(f"\n{NAME},", '\n"DOVE, WHITE",'))
        assert table.name == ("DOVE, WHITE",)

    def test_namespaced_commented_xml(self) -> None:
        text = xml_of(RECORD).replace("<omm", "<ndm:omm").replace("</omm", "</ndm:omm").replace("<ndm>", "<ndm><!-- <omm>old\n</omm> -->")
        table, intake = read(text.replace(NAME, "A &amp; B"))
        assert_is_1008(table, name="A & B")
        assert intake.read == 1

    def test_xml_never_expands_entities(self) -> None:
        bomb = '<!DOCTYPE ndm [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
        other = {**RECORD, "NORAD_CAT_ID": 5, "OBJECT_NAME": "&x;"}
        table, intake = read(xml_of(RECORD, other).replace("<ndm>", f"{bomb}<ndm>"))
        assert_is_1008(table)
        assert "undefined entity" in intake.left_out[0].reason

    def test_alpha_5(self) -> None:
        lines = [checked(line.replace("44714", "E8493")) for line in (LINE_1, LINE_2)]
        assert read("\n".join(lines))[0].norad_id.tolist() == [148493]

    @pytest.mark.parametrize("letter", "IOaé")
    def test_alpha_5_has_no_i_and_o(self, letter: str) -> None:
        lines = [line.replace("44714", f"{letter}8493") for line in (LINE_1, LINE_2)]
        with pytest.raises(ElementSetError, match=r"catalogue number|not ASCII"):
            read("\n".join(lines))

    @pytest.mark.parametrize(
        ("epoch", "expected"),
        [
            ("2026-08-22T04:08:54.125088Z", "2026-08-22T04:08:54.125088"),
            ("2026-08-22 04:08:54", "2026-08-22T04:08:54.000000"),
            ("2026-234T04:08:54.5", "2026-08-22T04:08:54.500000"),
            ("2016-12-31T23:59:60", "2017-01-01T00:00:00.000000"),
            ("2026-08-22T04:08:54.1250884999", "2026-08-22T04:08:54.125088"),
            ("2026-08-22T04:08:54+00:00", "2026-08-22T04:08:54.000000"),
        ],
    )
    def test_epochs_of_omm(self, epoch: str, expected: str) -> None:
        assert str(read(json_of({**RECORD, "EPOCH": epoch}))[0].epoch[0]) == expected

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ("57001.00000000", "1957-01-01T00:00:00.000000"),
            ("56366.50000000", "2056-12-31T12:00:00.000000"),
            ("00366.99999999", "2000-12-31T23:59:59.999136"),
            ("26  1.5       ", "2026-01-01T12:00:00.000000"),
        ],
    )
    def test_epochs_of_tle(self, columns: str, expected: str) -> None:
        table, _ = read(f"{replace_columns(LINE_1, 19, columns)}\n{LINE_2}")
        assert str(table.epoch[0]) == expected

    def test_missing_derivatives_are_zero_with_a_warning(self) -> None:
        record = {key: value for key, value in RECORD.items() if not key.startswith("MEAN_MOTION_D")}
        table, intake = read(json_of(record))
        assert table.mean_motion_dot.tolist() == [0.0]
        assert "1 records lack a derivative" in intake.warnings[0]

    def test_missing_checksums_are_used_with_a_warning(self) -> None:
        table, intake = read(f"{LINE_1[:68]}\n{LINE_2}")
        assert len(table) == 1
        assert "without a checksum" in intake.warnings[0]


class TestBadRecords:
    """A bad record is left out with line and reason; the good one beside it is used; strict refuses the file."""

    @pytest.mark.parametrize(
        ("text", "line", "reason"),
        [
            (f"{LINE_1[:68]}3\n{LINE_2}", 1, "line 1: checksum is '3', but its columns add up to 7"),
            (f"{LINE_1}\n{LINE_2[:68]}x", 1, "line 2 (at 2): checksum is 'x', but its columns add up to 1"),
            (f"NAME\n{LINE_1[:40]}\n{LINE_2}", 2, "line 1 is truncated: 40 of 69 columns"),
            (f"{LINE_1}\n{LINE_2[:50]}", 1, "line 2 (at 2) is truncated: 50 of 69 columns"),
            (f"{LINE_1[:67]}\n{LINE_2}", 1, "line 1 is truncated: 67 of 69 columns"),
            (f"{LINE_1}{LINE_2}\n{LINE_2}", 1, "line 1 is longer than 69 columns"),
            (f"{LINE_1}\n{OTHER_2}", 1, "line 1 is of 44714, line 2 (at 2) of 44718"),
            (f"{LINE_1}", 1, "line 1 without line 2"),
            (f"{LINE_2}", 1, "line 2 without line 1"),
            ("JUST A NAME", 1, "neither a line of elements nor a name followed by one"),
            (f"{LINE_1.replace('.00077', '.000é7')}\n{LINE_2}", 1, "line 1: column 39 is not ASCII"),
            (f"{replace_columns(LINE_1, 19, '26000.00000000')}\n{LINE_2}", 1, "epoch: 2026 has no day 0"),
            (f"{replace_columns(LINE_1, 19, '26366.00000000')}\n{LINE_2}", 1, "epoch: 2026 has no day 366"),
            (f"{replace_columns(LINE_1, 63, '4')}\n{LINE_2}", 1, "SGP4-XP"),
            (f"{replace_columns(LINE_1, 54, ' 8 842-3')}\n{LINE_2}", 1, "B*"),
            (f"{LINE_1}\n{replace_columns(LINE_2, 9, '     nan')}", 1, "inclination unreadable in '     nan"),
            (f"{LINE_1}\n{replace_columns(LINE_2, 9, '53.1.481')}", 1, "inclination '53.1.481' is not a number"),
            (f"{LINE_1}\n{replace_columns(LINE_2, 9, '190.0000')}", 1, "inclination_deg 190 is not in 0..180"),
            (f"{LINE_1}\n{replace_columns(LINE_2, 9, ' -3.0000')}", 1, "inclination_deg -3 is not in 0..180"),
            (f"{LINE_1}\n{replace_columns(LINE_2, 18, '400.0000')}", 1, "raan_deg 400 is not in -360..360"),
            (f"{LINE_1}\n{replace_columns(LINE_2, 53, '19.00000000')}", 1, "mean_motion_rev_day 19 is not in 0 < n <= 18"),
            (f"{LINE_1}\n{replace_columns(LINE_2, 53, ' 0.00000000')}", 1, "mean_motion_rev_day 0 is not in 0 < n <= 18"),
        ],
    )
    def test_tle(self, text: str, line: int, reason: str) -> None:
        table, intake = read(f"{text}\nSTARLINK-1012\n{OTHER_1}\n{OTHER_2}\n")
        assert table.norad_id.tolist() == [44718]
        assert (intake.read, intake.used, len(intake.left_out)) == (2, 1, 1)
        left_out = intake.left_out[0]
        assert left_out.line == line
        assert reason in left_out.reason
        assert "\n" not in str(left_out)
        with pytest.raises(ElementSetError, match="strict") as caught:
            read(f"{text}\nSTARLINK-1012\n{OTHER_1}\n{OTHER_2}\n", strict=True)
        assert caught.value.line == line
        with pytest.raises(ElementSetError, match="none of 1 records can be used"):
            read(text)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"INCLINATION": None}, "field INCLINATION is empty"),
            ({"EPOCH": ""}, "field EPOCH is empty"),
            ({"ECCENTRICITY": 1.0}, "eccentricity 1 is not in 0 <= e < 1"),
            ({"ECCENTRICITY": -0.1}, "eccentricity -0.1 is not in"),
            ({"ECCENTRICITY": "NaN"}, "eccentricity nan is not a finite number"),
            ({"MEAN_MOTION": "inf"}, "mean_motion_rev_day inf is not a finite number"),
            ({"MEAN_MOTION": "1_5"}, "MEAN_MOTION '1_5' is not a number"),
            ({"MEAN_MOTION": "١٥"}, "is not a number"),
            ({"BSTAR": "x"}, "BSTAR 'x' is not a number"),
            ({"BSTAR": "nan"}, "bstar nan is not a finite number"),
            ({"NORAD_CAT_ID": "1234567890"}, "NORAD_CAT_ID '1234567890' is not a number of up to nine digits"),
            ({"NORAD_CAT_ID": -5}, "NORAD_CAT_ID '-5'"),
            ({"NORAD_CAT_ID": "44714.0"}, "NORAD_CAT_ID '44714.0'"),
            ({"EPOCH": "22 August 2026"}, "EPOCH '22 August 2026' is not a UTC time"),
            ({"EPOCH": "2026-08-22T04:08:54+02:00"}, "is not a UTC time"),
            ({"EPOCH": "2026-02-30T00:00:00"}, "EPOCH '2026-02-30T00:00:00' does not exist"),
            ({"EPOCH": "2026-08-22T25:00:00"}, "does not exist"),
            ({"EPOCH": "0000-01-01T00:00:00"}, "does not exist"),
            ({"EPOCH": "1066-10-14T00:00:00"}, "epoch 1066-10-14T00:00:00Z is not in 1957..2199"),
            ({"MEAN_ELEMENT_THEORY": "SGP4-XP"}, "MEAN_ELEMENT_THEORY is 'SGP4-XP'"),
            ({"TIME_SYSTEM": "GPS"}, "TIME_SYSTEM is 'GPS'"),
            ({"REF_FRAME": "EME2000"}, "REF_FRAME is 'EME2000'"),
            ({"EPHEMERIS_TYPE": 4}, "EPHEMERIS_TYPE is '4'"),
        ],
    )
    @pytest.mark.parametrize("kind", OMM_WRITERS)
    def test_omm(self, kind: str, change: dict[str, object], reason: str) -> None:
        good = {**RECORD, "CENTER_NAME": "EARTH", "REF_FRAME": "TEME", "TIME_SYSTEM": "UTC", "MEAN_ELEMENT_THEORY": "SGP4"}
        bad = {**good, **change, "OBJECT_NAME": "BAD"}
        if kind != "json":
            bad = {key: "" if value is None else value for key, value in bad.items()}
        if kind == "xml":
            reason = reason.replace("is empty", "is missing")  # an empty element holds no text
        table, intake = read(OMM_WRITERS[kind](bad, good))
        assert table.name == (NAME,)
        assert intake.read == 2
        (left_out,) = intake.left_out
        assert reason in left_out.reason
        assert left_out.record.startswith("BAD")
        assert left_out.line == {"json": 2, "csv": 2, "xml": 3, "kvn": 1}[kind]

    @pytest.mark.parametrize("field", ["EPOCH", "MEAN_MOTION", "ECCENTRICITY", "INCLINATION", "RA_OF_ASC_NODE", "BSTAR", "NORAD_CAT_ID"])
    @pytest.mark.parametrize("kind", ["json", "xml", "kvn"])
    def test_missing_field_is_named(self, kind: str, field: str) -> None:
        bad = {key: value for key, value in RECORD.items() if key != field}
        _, intake = read(OMM_WRITERS[kind](bad, {**RECORD, "NORAD_CAT_ID": 5}))
        assert intake.left_out[0].reason == f"field {field} is missing"

    def test_csv_line_cut_short(self) -> None:
        lines = csv_of(RECORD, {**RECORD, "NORAD_CAT_ID": 5}).splitlines()
        table, intake = read("\n".join([*lines[:2], lines[2][:30]]))
        assert len(table) == 1
        assert (intake.left_out[0].line, intake.left_out[0].reason) == (3, "3 of 14 columns")

    def test_omm_missing_column_refuses_all_with_its_name(self) -> None:
        with pytest.raises(ElementSetError, match=r"none of 1 records can be used; .*field MEAN_ANOMALY is missing"):
            read(csv_of({key: value for key, value in RECORD.items() if key != "MEAN_ANOMALY"}))

    def test_numbers_that_json_knows_but_we_do_not(self) -> None:
        bad = [{**RECORD, "ECCENTRICITY": float("nan")}, {**RECORD, "MEAN_MOTION": float("inf")}, {**RECORD, "BSTAR": True}]
        table, intake = read(json.dumps([*bad, RECORD, [1], 7, "x", None]))
        assert len(table) == 1
        assert intake.read == 8

    def test_one_garbled_line_costs_one_record(self) -> None:
        for garbled in (TWO.replace("1 44714U", "x 44714U"), TWO.replace("2 44714 ", "\x00 44714 "), TWO.replace("1 44714U", "1x44714U")):
            table, intake = read(garbled)
            assert (len(table), intake.read) == (1, 2)

    def test_orphans_do_not_take_their_neighbours_along(self) -> None:
        table, intake = read(f"A\n{LINE_1}\nSTARLINK-1012\n{OTHER_1}\n{OTHER_2}\n{LINE_2}\nLAST\n")
        assert table.name == ("STARLINK-1012",)
        assert [(one.line, one.record, one.reason) for one in intake.left_out] == [
            (2, "A", "line 1 without line 2"),
            (6, "NORAD 44714", "line 2 without line 1"),
            (7, "LAST", "neither a line of elements nor a name followed by one"),
        ]
        assert "truncated" in intake.warnings[0]


class TestDuplicates:
    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_latest_epoch_is_kept(self, order: tuple[int, int]) -> None:
        older = {**RECORD, "EPOCH": "2026-08-21T00:00:00"}
        pair = [RECORD, older]
        table, intake = read(json_of(*(pair[k] for k in order)))
        assert str(table.epoch[0]) == "2026-08-22T04:08:54.125088"
        assert intake.read == 2
        assert "duplicate; the element set of line" in intake.left_out[0].reason
        assert "a later epoch" in intake.left_out[0].reason

    def test_at_equal_epochs_the_last_is_kept(self) -> None:
        table, intake = read(json_of(RECORD, {**RECORD, "OBJECT_NAME": "LAST"}))
        assert table.name == ("LAST",)
        assert "the same epoch" in intake.left_out[0].reason

    def test_a_bad_later_one_does_not_displace_a_good_one(self) -> None:
        table, intake = read(json_of(RECORD, {**RECORD, "EPOCH": "2026-08-23T00:00:00", "ECCENTRICITY": 2}))
        assert_is_1008(table)
        assert intake.read == 2

    def test_unnumbered_objects_are_not_one(self) -> None:
        table, _ = read(json_of({**RECORD, "NORAD_CAT_ID": 0}, {**RECORD, "NORAD_CAT_ID": 0}))
        assert len(table) == 2


class TestBadFiles:
    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"", "file: empty; give a file of TLE, 3LE or OMM"),
            (b" \r\n\x00\n", "file: empty"),
            (b"\xef\xbb\xbf", "file: empty"),
            (b"[]", "holds no element sets"),
            (b"<ndm></ndm>", "holds no element sets"),
            (b"EPOCH,NORAD_CAT_ID\n", "holds no element sets"),
            (b"# only a comment\n", "holds no element sets"),
            (b"<!DOCTYPE html><html>", "is a web page"),
            (b"<html>", "is a web page"),
            (b'{"error": "login required"}', "none of 1 records can be used"),
            (b"hello world", "none of 1 records can be used"),
            (bytes(range(256)), "not text"),
            (gzip.compress(b"", mtime=0), "empty"),
            (gzip.compress(TLE.encode())[:-20], "gzip data damaged or truncated"),
            (b"\x1f\x8bnonsense", "gzip data damaged or truncated"),
            (b"[" * 100_000, "nested too deeply|not JSON|none of"),
            (b'[{"a":' * 5_000, "none of"),
        ],
    )
    def test_is_an_error_of_one_line(self, data: bytes, expected: str) -> None:
        with pytest.raises(ElementSetError, match=expected) as caught:
            read(data)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith("file: ")
        assert caught.value.exit_code == 2

    @pytest.mark.parametrize("kind", ["tle", "json", "xml"])
    def test_truncated_file_is_used_as_far_as_it_goes(self, kind: str) -> None:
        other = {**RECORD, "NORAD_CAT_ID": 5}
        text = {"tle": TWO, "json": json_of(RECORD, other), "xml": xml_of(RECORD, other)}[kind]
        table, intake = read(text[: len(text) - 90])
        assert table.norad_id.tolist() == [44714]
        assert intake.read == 2
        assert any("truncated" in warning for warning in intake.warnings) or "truncated" in intake.left_out[0].reason

    def test_missing_file_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ElementSetError, match="no such file") as caught:
            read_elements(tmp_path / "none.tle")
        assert caught.value.exit_code == DataMissingError.exit_code
        with pytest.raises(ElementSetError, match="cannot be read \\(it is a folder\\)") as caught:
            read_elements(tmp_path)
        assert caught.value.exit_code == ElementSetError.exit_code

    def test_source_and_hash_are_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "a.tle"
        path.write_text(TLE)
        _, intake = read_elements(path)
        assert intake.source == str(path)
        assert len(intake.sha256) == 64


class TestTable:
    def test_select_and_concatenate(self) -> None:
        table, _ = read(TWO)
        mask = table.norad_id == 44718
        assert table.select(mask).name == ("STARLINK-1012",)
        assert table.select([1, 0]).norad_id.tolist() == [44718, 44714]
        assert table.select(slice(1, None)).norad_id.tolist() == [44718]
        both = ElementSets.concatenate([table.select([0]), table.select([1])])
        assert both.name == table.name
        assert np.array_equal(both.epoch, table.epoch)
        assert len(ElementSets.concatenate([])) == 0

    def test_repr_teaches(self) -> None:
        text = repr(read(TWO)[0])
        assert text.splitlines()[0] == "ElementSets: 2 satellites, STARLINK-1008 (NORAD 44714) to STARLINK-1012 (NORAD 44718)"
        assert "median 2026-08-22T07:06:00.118080Z" in text
        assert "mean altitude" in text
        assert repr(ElementSets.concatenate([])) == "ElementSets: 0 satellites"

    def test_epoch_median(self) -> None:
        assert str(read(TWO)[0].epoch_median()) == "2026-08-22T07:06:00.118080"
        assert np.isnat(ElementSets.concatenate([]).epoch_median())

    def test_columns_are_checked(self) -> None:
        good = {"norad_id": [1], "epoch": ["2026-01-01"], "mean_motion_rev_day": [15.0], "inclination_deg": [53.0]}
        table = ElementSets.from_columns(**good)
        assert (table.name, table.shell.tolist(), table.eccentricity.tolist()) == (("NORAD 1",), [-1], [0.0])
        with pytest.raises(ElementSetError, match="no column 'raan'"):
            ElementSets.from_columns(**good, raan=[0.0])
        with pytest.raises(ElementSetError, match="need the column 'epoch'"):
            ElementSets.from_columns(norad_id=[1])
        with pytest.raises(ElementSetError, match="column raan_deg has 2 rows"):
            ElementSets.from_columns(**good, raan_deg=[0.0, 1.0])

    def test_with_places(self) -> None:
        table = with_places(read(TWO)[0], shell=[0, 0], plane=[1, 2], slot=[3, 4])
        assert table.slot.dtype == np.int16
        assert "shell and plane known for 2" in repr(table)

    def test_altitude_and_mean_motion_are_inverse(self) -> None:
        table = ElementSets.from_columns(
            norad_id=[1], epoch=["2026-01-01"], mean_motion_rev_day=[mean_motion_at_altitude_rev_day(550.0)], inclination_deg=[53.0]
        )
        assert mean_altitude_km(table)[0] == pytest.approx(550.0, abs=1e-9)

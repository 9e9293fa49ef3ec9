"""Names at the front door mean the verbs, whatever was imported before."""

import importlib
import pkgutil

import pytest

import muybridge

PARTS = sorted(one.name for one in pkgutil.iter_modules(muybridge.__path__))


@pytest.mark.parametrize("name", muybridge.__all__)
def test_a_verb_is_a_function_also_after_a_folder_of_its_name_was_imported(name: str):
    if name in PARTS:
        importlib.import_module(f"muybridge.{name}")
    assert callable(getattr(muybridge, name))
    assert getattr(muybridge, name).__doc__


def test_parts_are_modules_as_ever():
    import muybridge.report.formats.write as module
    from muybridge.report import write_report
    from muybridge.report.formats.write import write_report as same

    assert write_report is same is module.write_report is muybridge.report.write_report
    assert importlib.import_module("muybridge.core").__name__ == "muybridge.core"


def test_a_folder_is_called_as_its_verb(tmp_path, monkeypatch):
    from muybridge import api

    monkeypatch.setattr(api, "report", lambda *words, **options: (words, options))
    importlib.import_module("muybridge.report")
    assert muybridge.report(tmp_path, deep=True) == ((tmp_path,), {"deep": True})

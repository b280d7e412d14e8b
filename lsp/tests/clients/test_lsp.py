"""A client with the capabilities of Visual Studio Code, over real standard input and output."""

import os
import pathlib

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

WEIR = os.environ["WEIR"]
POLICY = """package shop.a

use std.events { login }

tag suspect

policy p {
  on login

  signal failures = count of login where outcome == failure per user over 10m

  rule r {
    when failures >= 5
    then tag user suspect for 1h
    because "{failures} failures"
  }
}

test "t" {
  repeat 5 as i {
    login { user: "ana", outcome: failure }
  }
  expect rule r fired at event 5
}
"""


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[WEIR, "lsp"]))
async def client(lsp_client: LanguageClient, tmp_path: pathlib.Path):
    (tmp_path / "weir.toml").write_text('edition = "2026"\ntenant = "shop"\n')
    (tmp_path / "a.weir").write_text(POLICY)
    lsp_client.root = tmp_path

    @lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams) -> None:
        assert [it.method for it in params.registrations] == ["workspace/didChangeWatchedFiles"]

    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=client_capabilities("visual_studio_code"),
            workspace_folders=[types.WorkspaceFolder(uri=tmp_path.as_uri(), name="shop")],
        )
    )
    yield
    await lsp_client.shutdown_session()


def document(client, text=POLICY):
    uri = (client.root / "a.weir").as_uri()
    item = types.TextDocumentItem(uri=uri, language_id="weir", version=1, text=text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
    return types.TextDocumentIdentifier(uri=uri)


def place(text, part):
    before = text[: text.index(part)]
    return types.Position(line=before.count("\n"), character=len(before) - before.rfind("\n") - 1)


@pytest.mark.asyncio
async def test_names(client: LanguageClient):
    here = dict(text_document=document(client), position=place(POLICY, "failures >= 5"))
    hover = await client.text_document_hover_async(types.HoverParams(**here))
    assert "104 bytes a key" in hover.contents.value
    found = await client.text_document_definition_async(types.DefinitionParams(**here))
    assert found[0].range.start == place(POLICY, "failures = count")
    edit = await client.text_document_rename_async(types.RenameParams(new_name="misses", **here))
    assert [len(edits) for edits in edit.changes.values()] == [3]
    offered = await client.text_document_completion_async(types.CompletionParams(**here))
    assert "failures" in [item.label for item in offered.items]


@pytest.mark.asyncio
async def test_diagnostics_and_fixes(client: LanguageClient):
    broken = POLICY.replace("failures >= 5", "falures >= 5")
    here = document(client, broken)
    everything = types.Range(start=types.Position(0, 0), end=types.Position(99, 0))
    report = await client.text_document_diagnostic_async(types.DocumentDiagnosticParams(text_document=here))
    assert "W0101" in [item.code for item in report.items]
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(text_document=here, range=everything, context=types.CodeActionContext(diagnostics=[]))
    )
    assert "write `failures`" in [action.title for action in actions]


@pytest.mark.asyncio
async def test_tests_run(client: LanguageClient):
    here = document(client)
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(text_document=here))
    assert [lens.command.title for lens in lenses] == ["run 1 test", "run test"]
    report = await client.workspace_execute_command_async(
        types.ExecuteCommandParams(command="weir.test", arguments=[here.uri])
    )
    report = report if isinstance(report, dict) else report._asdict()
    assert report["passed"] == 1 and report["failed"] == 0
    shape = await client.text_document_formatting_async(
        types.DocumentFormattingParams(text_document=here, options=types.FormattingOptions(tab_size=2, insert_spaces=True))
    )
    assert not shape
    tokens = await client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(text_document=here))
    assert len(tokens.data) % 5 == 0 and tokens.data

// Starts `weir lsp`, and shows tests in the test explorer.

import * as vscode from 'vscode';
import { LanguageClient, ServerOptions, TransportKind } from 'vscode-languageclient/node';

interface Place { uri: string; range: { start: Point; end: Point } }
interface Point { line: number; character: number }
interface Outcome { name: string; passed: boolean; location: Place; failures: { location: Place; message: string }[] }
interface Report { passed: number; failed: number; tests: Outcome[] }

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const start = async () => {
    const command = vscode.workspace.getConfiguration('weir').get<string>('path', 'weir');
    const server: ServerOptions = { command, args: ['lsp'], transport: TransportKind.stdio };
    client = new LanguageClient('weir', 'Weir', server, {
      documentSelector: [{ language: 'weir' }, { pattern: '**/weir.toml' }],
      // Lenses name the command, and its outcome belongs in the explorer.
      middleware: {
        executeCommand: async (name, args, next) => {
          if (name === 'weir.test') { return run(args[0] as string, args[1] as string | undefined); }
          return next(name, args);
        },
      },
    });
    await client.start();
  };

  const tests = vscode.tests.createTestController('weir', 'Weir');
  const failures = vscode.languages.createDiagnosticCollection('weir tests');
  const item = (uri: vscode.Uri, name: string, range?: vscode.Range) => {
    const file = tests.items.get(uri.toString()) ?? tests.createTestItem(uri.toString(), vscode.workspace.asRelativePath(uri), uri);
    tests.items.add(file);
    const test = file.children.get(name) ?? tests.createTestItem(name, name, uri);
    if (range) { test.range = range; }
    file.children.add(test);
    return test;
  };
  const range = (place: Place) =>
    new vscode.Range(place.range.start.line, place.range.start.character, place.range.end.line, place.range.end.character);
  const find = (document: vscode.TextDocument) => {
    if (document.languageId !== 'weir') { return; }
    const known = tests.items.get(document.uri.toString());
    known?.children.replace([]);
    for (let line = 0; line < document.lineCount; line++) {
      const match = /^test\s+"((?:[^"\\]|\\.)*)"/.exec(document.lineAt(line).text);
      if (match) { item(document.uri, match[1], document.lineAt(line).range); }
    }
  };

  async function run(file: string, name?: string, within?: vscode.TestRun): Promise<void> {
    const uri = vscode.Uri.parse(file);
    const testing = within ?? tests.createTestRun(new vscode.TestRunRequest());
    try {
      const args = name === undefined ? [file] : [file, name];
      const report = await client!.sendRequest<Report>('workspace/executeCommand', { command: 'weir.test', arguments: args });
      const shown: vscode.Diagnostic[] = [];
      for (const outcome of report.tests) {
        const test = item(uri, outcome.name, range(outcome.location));
        if (outcome.passed) { testing.passed(test); continue; }
        const messages = outcome.failures.map((failure) => {
          const message = new vscode.TestMessage(failure.message);
          message.location = new vscode.Location(vscode.Uri.parse(failure.location.uri), range(failure.location));
          shown.push(new vscode.Diagnostic(range(failure.location), failure.message, vscode.DiagnosticSeverity.Error));
          return message;
        });
        testing.failed(test, messages);
      }
      failures.set(uri, shown);
    } catch (error) {
      void vscode.window.showErrorMessage(`weir: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (!within) { testing.end(); }
    }
  }

  tests.createRunProfile('Run', vscode.TestRunProfileKind.Run, async (request) => {
    const testing = tests.createTestRun(request);
    const wanted = request.include ?? [...tests.items].map(([, test]) => test);
    for (const test of wanted) {
      await run((test.uri as vscode.Uri).toString(), test.parent ? test.id : undefined, testing);
    }
    testing.end();
  }, true);

  const library = vscode.workspace.registerTextDocumentContentProvider('weir-library', {
    provideTextDocumentContent: async (uri) =>
      (await client!.sendRequest<{ text: string }>('workspace/textDocumentContent', { uri: uri.toString() })).text,
  });
  context.subscriptions.push(
    tests, failures, library,
    vscode.workspace.onDidOpenTextDocument(find),
    vscode.workspace.onDidSaveTextDocument(find),
    vscode.workspace.onDidChangeTextDocument((change) => failures.delete(change.document.uri)),
    vscode.commands.registerCommand('weir.runTests', () => {
      const uri = vscode.window.activeTextEditor?.document.uri;
      return uri ? run(uri.toString()) : undefined;
    }),
    vscode.commands.registerCommand('weir.restart', async () => { await client?.stop(); await start(); }),
  );
  await start();
  vscode.workspace.textDocuments.forEach(find);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

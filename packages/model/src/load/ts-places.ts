/**
 * Finds where parts of a TypeScript config are written: the object literal behind `export default`, followed through simple constants,
 * calls, casts and spreads. By syntax alone: what is computed in other ways has the place of its nearest parent that is written.
 */
import { createRequire } from 'node:module';
import type * as morph from 'ts-morph';
import type { KeyPath, Spot } from './source.ts';

/** How many hops are followed from a name to what it means. */
const MAX_HOPS = 32;

/** Nodes of the source for paths of keys. */
export interface TsPlaces {
  readonly source: morph.SourceFile;
  spot(path: KeyPath, what: 'value' | 'key'): Spot;
  /** Expression that a value is written as, when it can be followed all the way. */
  node(path: KeyPath): morph.Node | null;
  /** The first thing that is no TypeScript at all. */
  syntaxError(): { readonly spot: Spot; readonly message: string } | null;
  /** Place of the module specifier of an import. */
  importSpot(specifier: string): Spot | null;
}

let library: typeof morph | undefined;

/** The compiler; loaded only when a place is asked for, and synchronously, because places are. */
export function tsMorph(): typeof morph {
  library ??= createRequire(import.meta.url)('ts-morph') as typeof morph;
  return library;
}

/** Parses a config. */
export function tsPlaces(text: string): TsPlaces {
  const { Project, ScriptKind } = tsMorph();
  const project = new Project({ useInMemoryFileSystem: true, skipLoadingLibFiles: true });
  const source = project.createSourceFile('/config.ts', text, { scriptKind: ScriptKind.TS });
  const root = source.getExportAssignment((assignment) => !assignment.isExportEquals())?.getExpression() ?? null;

  const spotAt = (node: morph.Node): Spot => {
    const { line, column } = source.getLineAndColumnAtPos(node.getStart());
    return [line, column];
  };
  return {
    source,
    spot(path, what) {
      let spot: Spot = root === null ? [1, 1] : spotAt(root);
      let node: morph.Node | null = root;
      for (const [index, key] of path.entries()) {
        const found: Member | null = node === null ? null : memberOf(node, key);
        if (found === null) break;
        const keySpot = spotAt(found.key);
        const valueSpot = spotAt(found.value);
        const sameLine = found.key.getStartLineNumber() === found.value.getStartLineNumber();
        spot = (index === path.length - 1 && what === 'key') || !sameLine ? keySpot : valueSpot;
        node = found.value;
      }
      return spot;
    },
    node(path) {
      let node: morph.Node | null = root;
      for (const key of path) node = node === null ? null : (memberOf(node, key)?.value ?? null);
      return node === null ? null : meaning(node);
    },
    syntaxError() {
      const [first] = project.getProgram().getSyntacticDiagnostics(source);
      if (first === undefined) return null;
      const { line, column } = source.getLineAndColumnAtPos(first.getStart());
      const message = first.getMessageText();
      const text = typeof message === 'string' ? message : message.getMessageText();
      return { spot: [line, column], message: text.replace(/\.$/, '') };
    },
    importSpot(specifier) {
      const found = source.getImportDeclaration((one) => one.getModuleSpecifierValue() === specifier);
      return found === undefined ? null : spotAt(found.getModuleSpecifier());
    },
  };
}

interface Member {
  readonly key: morph.Node;
  readonly value: morph.Node;
}

/** A member of what an expression means. */
function memberOf(node: morph.Node, key: string | number): Member | null {
  const { Node } = tsMorph();
  const meant = meaning(node);
  if (meant === null) return null;
  if (Node.isArrayLiteralExpression(meant)) {
    const elements = meant.getElements();
    const index = Number(key);
    // Behind a spread, positions say nothing any more.
    if (elements.slice(0, index + 1).some((element) => Node.isSpreadElement(element))) return null;
    const element = elements[index];
    return element === undefined ? null : { key: element, value: element };
  }
  if (!Node.isObjectLiteralExpression(meant)) return null;
  // The last one wins, as when it is evaluated.
  for (const property of meant.getProperties().toReversed()) {
    if (Node.isSpreadAssignment(property)) {
      const inner = memberOf(property.getExpression(), key);
      if (inner !== null) return inner;
    } else if (nameOf(property.getNameNode()) === String(key)) {
      if (Node.isPropertyAssignment(property)) {
        return { key: property.getNameNode(), value: property.getInitializer() ?? property };
      }
      return { key: property.getNameNode(), value: property.getNameNode() };
    }
  }
  return null;
}

function nameOf(node: morph.PropertyName): string | null {
  const { Node } = tsMorph();
  if (Node.isStringLiteral(node) || Node.isNoSubstitutionTemplateLiteral(node)) return node.getLiteralText();
  if (Node.isNumericLiteral(node)) return String(node.getLiteralValue());
  if (Node.isComputedPropertyName(node)) {
    const inner = meaning(node.getExpression());
    return inner !== null && Node.isStringLiteral(inner) ? inner.getLiteralText() : null;
  }
  return node.getText();
}

/** What an expression stands for, as a literal where that can be seen; null when it cannot. */
function meaning(start: morph.Node): morph.Node | null {
  const { Node } = tsMorph();
  let node: morph.Node | undefined = start;
  for (let hop = 0; hop < MAX_HOPS && node !== undefined; hop++) {
    if (
      Node.isParenthesizedExpression(node) ||
      Node.isAsExpression(node) ||
      Node.isSatisfiesExpression(node) ||
      Node.isNonNullExpression(node) ||
      Node.isAwaitExpression(node)
    ) {
      node = node.getExpression();
    } else if (Node.isIdentifier(node)) {
      node = declared(node);
    } else if (Node.isPropertyAccessExpression(node)) {
      node = memberOf(node.getExpression(), node.getName())?.value;
    } else if (Node.isCallExpression(node)) {
      node = called(node);
    } else {
      return node;
    }
  }
  return null;
}

/** What a constant of this file is set to. */
function declared(name: morph.Identifier): morph.Node | undefined {
  const text = name.getText();
  for (let scope: morph.Node | undefined = name.getParent(); scope !== undefined; scope = scope.getParent()) {
    const { Node } = tsMorph();
    if (!Node.isStatemented(scope)) continue;
    const found = scope.getVariableDeclaration(text);
    if (found !== undefined) return found.getInitializer();
  }
  return undefined;
}

/** `defineConfig(X)` is X; a call of a function of this file is what it returns, when it returns at one place only. */
function called(call: morph.CallExpression): morph.Node | undefined {
  const { Node, SyntaxKind } = tsMorph();
  const callee = call.getExpression();
  if (!Node.isIdentifier(callee)) return undefined;
  const source = call.getSourceFile();
  const initializer = source.getVariableDeclaration(callee.getText())?.getInitializer();
  const target = source.getFunction(callee.getText()) ?? initializer;
  if (target === undefined) return callee.getText() === 'defineConfig' ? call.getArguments()[0] : undefined;
  if (!Node.isArrowFunction(target) && !Node.isFunctionExpression(target) && !Node.isFunctionDeclaration(target))
    return undefined;
  const body = target.getBody();
  if (!Node.isBlock(body)) return body;
  const returns = body.getDescendantsOfKind(SyntaxKind.ReturnStatement);
  return returns.length === 1 ? returns[0]?.getExpression() : undefined;
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
// TypeScript 7 has no interface for programs yet.
import ts from 'typescript-api';

const root = resolve(import.meta.dirname, '../../../..');
const core = `${root}/packages/core/src`;
const deepest = 4;

/** An object that a public function takes. */
export interface Parameter {
  /** Such as `Client.enqueue(job, args, options) options`. */
  readonly place: string;
  readonly typeName: string;
  /** The names of the object, and by their path those of the objects within: `retry`, `callbacks.onComplete`. */
  readonly objects: ReadonlyMap<string, readonly string[]>;
}

interface Entry {
  readonly source: string;
  /** Exports that count; all where it is left out. */
  readonly only?: readonly string[];
}

/**
 * Every object that an exported function, constructor or method takes, as the declarations have it.
 * @param data types whose members are no options of ours.
 */
export function readSurface(data: readonly string[]): readonly Parameter[] {
  const manifest: { exports: Record<string, string> } = JSON.parse(
    readFileSync(`${root}/packages/sdk/package.json`, 'utf8'),
  );
  const entries: Entry[] = [
    ...Object.values(manifest.exports).map((file) => ({ source: `${root}/packages/sdk/${file.slice(2)}` })),
    { source: `${root}/packages/server/src/index.ts`, only: ['startServer', 'openEmbedded'] },
  ];
  const { config } = ts.parseConfigFileTextToJson('tsconfig.json', readFileSync(`${root}/tsconfig.json`, 'utf8'));
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    {
      ...options,
      noEmit: true,
      paths: { '@ojs-ts/core': [`${core}/index.ts`], '@ojs-ts/core/*': [`${core}/*/index.ts`] },
    },
  );
  const reader = new Reader(program.getTypeChecker(), new Set(data));
  for (const { source, only } of entries) {
    const file = program.getSourceFile(source);
    if (file === undefined) throw new Error(`${source} is missing`);
    reader.module(file, only);
  }
  return [...reader.found.values()];
}

class Reader {
  readonly found = new Map<string, Parameter>();
  readonly #checker: ts.TypeChecker;
  readonly #data: ReadonlySet<string>;

  constructor(checker: ts.TypeChecker, data: ReadonlySet<string>) {
    this.#checker = checker;
    this.#data = data;
  }

  module(file: ts.SourceFile, only: readonly string[] | undefined): void {
    const checker = this.#checker;
    const module = checker.getSymbolAtLocation(file);
    for (const one of module === undefined ? [] : checker.getExportsOfModule(module)) {
      if (only !== undefined && !only.includes(one.name)) continue;
      const target = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      const { name } = target;
      if (target.flags & ts.SymbolFlags.Value) {
        const type = checker.getTypeOfSymbolAtLocation(target, file);
        for (const signature of type.getCallSignatures()) this.#signature(one.name, signature);
        for (const signature of type.getConstructSignatures()) this.#signature(`new ${name}`, signature);
        if (target.flags & ts.SymbolFlags.Class) this.#methods(name, type);
      }
      const isOurs = target.flags & ts.SymbolFlags.Class || !this.#data.has(name);
      if (isOurs && target.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))
        this.#methods(name, checker.getDeclaredTypeOfSymbol(target));
    }
  }

  #methods(owner: string, type: ts.Type): void {
    const isClient = ['Client', 'Admin', 'SyncClient'].includes(owner);
    for (const member of type.getProperties()) {
      // Clients have most of their methods from rows; to the compiler these are members that are functions.
      const isRow = isClient && member.flags & ts.SymbolFlags.Property;
      if (
        !(member.flags & ts.SymbolFlags.Method || isRow) ||
        member.name.startsWith('__') ||
        member.name.startsWith('#')
      )
        continue;
      const declared = member.declarations?.[0]?.parent;
      const place = declared !== undefined && ts.isClassDeclaration(declared) ? (declared.name?.text ?? owner) : owner;
      for (const signature of this.#checker.getTypeOfSymbol(member).getCallSignatures())
        this.#signature(`${place}.${member.name}`, signature);
    }
  }

  #signature(name: string, signature: ts.Signature): void {
    const parameters = signature.getParameters().flatMap((one) => this.#expanded(one));
    const head = `${name}(${parameters.map((one) => one.name).join(', ')})`;
    for (const parameter of parameters) {
      for (const { type, suffix } of this.#objectsOf(parameter.type)) {
        const typeName = this.#nameOf(type);
        const objects = new Map<string, readonly string[]>();
        this.#collect(type, '', objects, 0);
        const place = `${head} ${parameter.name}${suffix}`;
        const key =
          this.found.has(place) && this.found.get(place)?.typeName !== typeName ? `${place}: ${typeName}` : place;
        this.found.set(key, { place: key, typeName, objects });
      }
    }
  }

  /** The parameter, or those that a rest parameter stands for: methods from rows have a tuple of theirs. */
  #expanded(parameter: ts.Symbol): readonly { readonly name: string; readonly type: ts.Type }[] {
    const type = this.#checker.getTypeOfSymbol(parameter);
    const named = (name: string) => name.replace(/^__\d+$/, 'options');
    const { valueDeclaration: declared } = parameter;
    const isRest = declared !== undefined && ts.isParameter(declared) && declared.dotDotDotToken !== undefined;
    if (!isRest || !this.#checker.isTupleType(type)) return [{ name: named(parameter.name), type }];
    const tuple = type as ts.TupleTypeReference;
    return this.#checker.getTypeArguments(tuple).map((element, at) => {
      const label = tuple.target.labeledElementDeclarations?.[at]?.name;
      return { name: label !== undefined && ts.isIdentifier(label) ? label.text : 'options', type: element };
    });
  }

  #collect(type: ts.Type, path: string, into: Map<string, readonly string[]>, depth: number): void {
    const members = type.getProperties().filter(({ name }) => !name.startsWith('__@') && !name.startsWith('~'));
    const before = into.get(path) ?? [];
    into.set(path, [...new Set([...before, ...members.map(({ name }) => name)])]);
    if (depth === deepest) return;
    for (const member of members) {
      for (const { type: inner, suffix } of this.#objectsOf(this.#checker.getTypeOfSymbol(member))) {
        if (suffix === '') this.#collect(inner, path === '' ? member.name : `${path}.${member.name}`, into, depth + 1);
      }
    }
  }

  /** The objects of ours that a value of the type may be, or may be a list of. */
  #objectsOf(type: ts.Type, suffix = ''): readonly { readonly type: ts.Type; readonly suffix: string }[] {
    const checker = this.#checker;
    if (type.isUnion()) return type.types.flatMap((one) => this.#objectsOf(one, suffix));
    if (type.flags & ts.TypeFlags.TypeParameter) {
      const bound = checker.getBaseConstraintOfType(type);
      return bound === undefined || bound === type ? [] : this.#objectsOf(bound, suffix);
    }
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return [];
    if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) return [];
    const [element] = checker.getIndexInfosOfType(type).filter(({ keyType }) => keyType.flags & ts.TypeFlags.Number);
    if (element !== undefined) return suffix === '' ? this.#objectsOf(element.type, '[]') : [];
    if (type.isClass() || this.#symbolsOf(type).some(({ name }) => this.#data.has(name))) return [];
    // An object of functions alone, without a name, is an implementation of the caller's.
    const members = type.getProperties();
    const isImplementation = members.every((member) => checker.getTypeOfSymbol(member).getCallSignatures().length > 0);
    if (members.length > 0 && this.#nameOf(type) === '__type' && isImplementation) return [];
    // What `Pick`, `Omit` and `Partial` make is declared nowhere, but its members are.
    const files = [...this.#symbolsOf(type), ...members].map(
      (one) => one.declarations?.[0]?.getSourceFile().fileName ?? '',
    );
    return files.some((file) => file.startsWith(`${root}/packages/`)) ? [{ type, suffix }] : [];
  }

  #symbolsOf(type: ts.Type): readonly ts.Symbol[] {
    const parts = type.isIntersection() ? type.types : [type];
    return parts.map((one) => one.aliasSymbol ?? one.getSymbol()).filter((one) => one !== undefined);
  }

  #nameOf(type: ts.Type): string {
    return (
      type.aliasSymbol?.name ??
      this.#symbolsOf(type)
        .map(({ name }) => name)
        .join(' & ')
    );
  }
}

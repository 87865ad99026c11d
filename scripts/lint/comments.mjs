// What oxlint has no rules for: how wide comments are (`oxlint --fix` wraps them), and that exports say what they promise.

/** Lines of a comment that stand for themselves: empty, a tag, an item of a list, a table's row, or indented. */
const OWN_LINE = /^(?:$|[@|]|[-*] |\d+\. | {2})/;
/** What switches tools on and off has to stay one line. */
const DIRECTIVE = /^(?:ts-|eslint|oxlint|@ts-|#|\/)/;

/** Comments no wider than a number of columns. */
const width = {
  meta: { fixable: 'whitespace', schema: [{ type: 'integer' }] },
  create(context) {
    const [limit = 110] = context.options;
    const { sourceCode } = context;
    const before = ({ loc }) => sourceCode.lines[loc.start.line - 1].slice(0, loc.start.column);

    function check(comments) {
      const [first] = comments;
      const last = comments.at(-1);
      const lines = sourceCode.lines.slice(first.loc.start.line - 1, last.loc.end.line);
      const widest = Math.max(...lines.map(({ length }) => length));
      if (widest <= limit) return;
      const indent = before(first);
      const isAlone = indent.trim() === '' && !DIRECTIVE.test(first.value.trim());
      context.report({
        loc: { start: first.loc.start, end: last.loc.end },
        message: `A comment is ${widest} columns wide, and may be ${limit}.`,
        fix: isAlone
          ? (fixer) => fixer.replaceTextRange([first.range[0], last.range[1]], wrap(comments, indent, limit))
          : null,
      });
    }

    return {
      Program() {
        for (const comments of grouped(sourceCode.getAllComments(), before)) check(comments);
      },
    };
  },
};

/** Comments to the end of the line that follow each other without anything between are one. */
function grouped(comments, before) {
  const groups = [];
  for (const comment of comments) {
    const previous = groups.at(-1)?.at(-1);
    const continues =
      previous?.type === 'Line' &&
      comment.type === 'Line' &&
      previous.loc.end.line + 1 === comment.loc.start.line &&
      before(comment).trim() === '' &&
      before(previous) === before(comment);
    if (continues) groups.at(-1).push(comment);
    else groups.push([comment]);
  }
  return groups;
}

function wrap(comments, indent, limit) {
  const [{ type, value }] = comments;
  if (type === 'Line') {
    const text = comments.map((comment) => comment.value.replace(/^ /, ''));
    return rewrapped(text, limit - indent.length - 3)
      .map((line) => `// ${line}`.trimEnd())
      .join(`\n${indent}`);
  }
  const text = value
    .replace(/^\*/, '')
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''));
  const lines = rewrapped(text, limit - indent.length - 3).map((line) => `${indent} * ${line}`.trimEnd());
  return [value.startsWith('*') ? '/**' : '/*', ...lines, `${indent} */`].join('\n');
}

/** Paragraphs with as many words a line as there is room for. */
function rewrapped(lines, room) {
  const paragraphs = [];
  for (const line of lines) {
    if (OWN_LINE.test(line) || paragraphs.length === 0 || paragraphs.at(-1) === '') paragraphs.push(line);
    else paragraphs.push(`${paragraphs.pop()} ${line.trim()}`);
  }
  return paragraphs.flatMap((paragraph) => {
    const wrapped = [''];
    for (const word of paragraph.split(' ')) {
      const line = wrapped.at(-1);
      if (line === '') wrapped[wrapped.length - 1] = word;
      else if (line.length + 1 + word.length <= room) wrapped[wrapped.length - 1] = `${line} ${word}`;
      else wrapped.push(word);
    }
    return wrapped;
  });
}

/** A docstring right before each exported function and class. */
const docstrings = {
  create(context) {
    return {
      ExportNamedDeclaration(node) {
        const { declaration } = node;
        if (declaration?.type !== 'FunctionDeclaration' && declaration?.type !== 'ClassDeclaration') return;
        const comment = context.sourceCode.getCommentsBefore(node).at(-1);
        if (comment?.type === 'Block' && comment.value.startsWith('*')) return;
        const { name } = declaration.id;
        context.report({
          node: declaration.id,
          message: `${name} has no docstring: say what it promises, in which units, and how it fails.`,
        });
      },
    };
  },
};

export default { meta: { name: 'comments' }, rules: { width, docstrings } };

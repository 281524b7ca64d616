// The little Markdown these pages use: headings, paragraphs, lists, fenced code, and in a line
// code, strong, emphasis and links to other pages.

export function toHtml(markdown) {
  return markdown
    .trim()
    .split(/\n{2,}(?![^`]*```\n)/)
    .map(block)
    .join('\n');
}

export function titleOf(markdown) {
  return /^# (.+)$/m.exec(markdown)?.[1] ?? 'Untitled';
}

function block(source) {
  const heading = /^(#{1,6}) (.+)$/.exec(source);
  if (heading) return `<h${heading[1].length}>${inline(heading[2])}</h${heading[1].length}>`;

  const code = /^```\w*\n(.*?)\n?```$/s.exec(source);
  if (code) return `<pre><code>${escapeHtml(code[1])}</code></pre>`;

  if (source.startsWith('- ')) {
    const items = source.slice(2).split(/\n- /);
    return `<ul>\n${items.map((item) => `  <li>${inline(item)}</li>`).join('\n')}\n</ul>`;
  }
  return `<p>${inline(source)}</p>`;
}

function inline(source) {
  return source
    .split(/(`[^`]+`)/)
    .map((part) => (part.startsWith('`') ? `<code>${escapeHtml(part.slice(1, -1))}</code>` : prose(part)))
    .join('');
}

function prose(source) {
  return escapeHtml(source)
    .replaceAll(/\*\*(.+?)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/\*(.+?)\*/g, '<em>$1</em>')
    .replaceAll(
      /\[(.+?)\]\(([^)]+?)\)/g,
      (_, text, target) => `<a href="${target.replace(/\.md$/, '.html')}">${text}</a>`,
    );
}

function escapeHtml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

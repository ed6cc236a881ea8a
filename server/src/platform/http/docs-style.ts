/** The style sheet of the reference and the error pages. Light and dark follow the reader's system. */
export const docsStyle = `:root { color-scheme: light dark; --ground: #f6f7f9; --paper: #fff; --ink: #15181d; --soft: #545d6b; --line: #d9dde4; --mark: #1f5fd0; --code: #eef1f5 }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --paper: #1c2027; --ink: #edf0f4; --soft: #a9b3c1; --line: #343a44; --mark: #8bb4ff; --code: #272d36 } }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
a { color: var(--mark) } a:focus-visible, summary:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; border-radius: 3px }
.skip { position: absolute; left: -100vw } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem 1rem; z-index: 2 }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; padding: .8rem 1.5rem; border-bottom: 1px solid var(--line); background: var(--paper) }
header p { margin: 0 } .brand { font-weight: 600 } header nav { display: flex; gap: 1.2rem }
header nav a[aria-current] { color: inherit; font-weight: 600; text-decoration: none; border-bottom: 2px solid var(--mark) }
.columns { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 86rem; margin: 0 auto }
.contents { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 2rem 1.5rem; font-size: .9rem }
.contents ul { list-style: none; margin: 0; padding: 0 } .contents > ul > li { margin-bottom: 1rem } .contents ul ul { margin-top: .25rem }
.contents a { display: block; padding: .15rem 0; text-decoration: none } .contents a:hover { text-decoration: underline }
main { padding: 1.5rem 1.5rem 5rem; min-width: 0 } .narrow { max-width: 44rem; margin: 0 auto }
h1 { font-size: 1.7rem; margin: 0 0 .5rem } h2 { font-size: 1.3rem; margin: 2.5rem 0 1rem } h3 { margin: 0; font-size: 1.08rem } h4 { margin: 1.1rem 0 .4rem; font-size: .9rem; color: var(--soft) }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .7rem; padding: 1.1rem 1.3rem; margin: 0 0 1rem }
code { font: .9em/1.4 ui-monospace, SFMono-Regular, Menlo, monospace; background: var(--code); border-radius: .25rem; padding: .1em .3em; overflow-wrap: anywhere }
.address { margin: .5rem 0 } .method { display: inline-block; min-width: 3.6rem; text-align: center; font: 600 .75rem/1.7 ui-monospace, monospace; border: 1px solid currentColor; border-radius: .3rem }
.get { color: #1a6fb5 } .post { color: #1d7a3f } .put, .patch { color: #8a5a00 } .delete { color: #b3261e }
@media (prefers-color-scheme: dark) { .get { color: #7cc0f8 } .post { color: #7ed69c } .put, .patch { color: #f0c168 } .delete { color: #ff9c94 } }
table { border-collapse: collapse; width: 100%; font-size: .9rem } th, td { text-align: left; vertical-align: top; padding: .4rem .6rem .4rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere }
thead th { border-top: 0; color: var(--soft); font-weight: 500 } tbody th { font-weight: 400; width: 30% } td:nth-child(2) { width: 28%; color: var(--soft) }
.notes { display: block; font-size: .78rem; color: var(--soft) } .inner { padding-left: 1.2rem; border-top: 0 } .choices { padding-left: 1.2rem }
details { border-top: 1px solid var(--line); padding: .5rem 0 } summary { cursor: pointer }
@media (max-width: 60rem) { .columns { grid-template-columns: minmax(0, 1fr) } .contents { position: static; max-height: none; padding-bottom: 0 } main { padding: 1.5rem 1rem 4rem } }
`;

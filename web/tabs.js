/**
 * Tabs: a click, arrow keys, Home and End; the address says which one is open.
 */

/**
 * @param {HTMLElement} list  role=tablist; each tab has aria-controls
 * @param {(id: string) => void} onOpen  the panel's id
 * @param {(id: string) => string} addressOf  a panel's id, and behind a slash what it is about
 */
export function startTabs(list, onOpen, addressOf) {
  const tabs = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('[role=tab]')]);
  const idOf = (/** @type {HTMLElement} */ tab) => tab.getAttribute('aria-controls') ?? '';

  /** @param {HTMLElement} chosen */
  const showPanel = (chosen) => {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      /** @type {HTMLElement} */ (document.getElementById(idOf(tab))).hidden = !selected;
    }
    chosen.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    onOpen(idOf(chosen));
  };
  /** @param {HTMLElement} tab */
  const selectTab = (tab) => {
    // No entry in the history for each: the way back leads out of the page.
    history.replaceState(null, '', `#${addressOf(idOf(tab))}`);
    showPanel(tab);
  };
  const showFromAddress = () => showPanel(tabs.find((tab) => `#${idOf(tab)}` === location.hash.replace(/\/.*/, '')) ?? tabs[0]);

  for (const tab of tabs) tab.addEventListener('click', () => selectTab(tab));
  list.addEventListener('keydown', (event) => {
    const at = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    tab.focus();
    selectTab(tab);
  });
  addEventListener('hashchange', showFromAddress);
  showFromAddress();
}

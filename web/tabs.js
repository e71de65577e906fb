/**
 * Tabs, chosen by click, arrow keys, Home and End. The fragment of the address names the open panel.
 */

/**
 * @param {HTMLElement} list  role=tablist; aria-controls of each tab is the id of its panel
 * @param {(id: string) => void} onOpen  called with the id of the panel that was opened
 * @param {(id: string) => string} addressOf  the fragment for a panel: its id, and optionally a slash and a detail
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
    // Adds no entry to the history, so that Back leaves the page.
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

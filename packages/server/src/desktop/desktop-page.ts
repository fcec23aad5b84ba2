// SPDX-License-Identifier: Apache-2.0
// The page that shows a desktop: a screen that fills it, and a line when there is none.

export const DESKTOP_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Plinth workspace</title>
<style>
  html, body { margin: 0; height: 100%; background: #202428; color: #d8dee4; font: 16px system-ui, sans-serif; }
  #screen { position: absolute; inset: 0; }
  #state { position: absolute; inset: auto 0 0 0; margin: 0; padding: 0.6em 1em; background: #202428e0; }
  #state:empty { display: none; }
</style>
<div id="screen"></div>
<p id="state" role="status">connecting</p>
<script type="module" src="page.js"></script>
</html>
`;

export const DESKTOP_SCRIPT = `import RFB from './novnc/core/rfb.js';

const state = document.getElementById('state');
const address = new URL('socket', location.href);
address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
const desktop = new RFB(document.getElementById('screen'), address.href);
desktop.scaleViewport = true;
desktop.resizeSession = true;
desktop.addEventListener('connect', () => { state.textContent = ''; desktop.focus(); });
desktop.addEventListener('disconnect', ({ detail }) => {
  state.textContent = detail.clean ? 'the workspace has ended' : 'the connection is lost: reload the page';
});
`;

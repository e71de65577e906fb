/**
 * Starts headless Chromium. chromium-headless-shell, which Debian packages without the parts for a desktop, takes a third of the processor time.
 * The one in build/browsers is for Ubuntu (tests/setup.sh).
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const built = fileURLToPath(new URL('../../build/browsers/chromium-headless-shell', import.meta.url));
const installed = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', built];
export const findChromium = () => process.env.CHROMIUM ?? installed.find((path) => existsSync(path)) ?? installed[1];

const args =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** @param {import('playwright-core').LaunchOptions} [options] */
export const launch = (options) => chromium.launch({ executablePath: findChromium(), args: args.split(' '), ...options });

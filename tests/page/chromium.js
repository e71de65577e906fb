/**
 * Headless Chromium.
 */
import { chromium } from 'playwright-core';

const args =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** @param {import('playwright-core').LaunchOptions} [options] */
export const launch = (options) =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: args.split(' '), ...options });

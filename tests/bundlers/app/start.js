import { main } from './main.js';

main(new URL('./langid.safetensors', import.meta.url));

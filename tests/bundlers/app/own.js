import { loadModel } from 'padless/whole';

onmessage = async ({ data }) => {
  try {
    postMessage((await loadModel(data)).predict('Guten Morgen').label);
  } catch (error) {
    postMessage(String(error));
  }
};

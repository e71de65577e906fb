/**
 * An input that says which language is typed into it, in React. `createRoot(element).render(<LanguageInput url={url} onLanguage={...} />)`, where
 * `url` is the address of a model file: import it as your bundler wants it, or put it into the folder that is served as it is.
 */
import { useEffect, useRef, useState } from 'react';
import { loadModel } from 'padless';
import { attach } from 'padless/dom';

/** A model, null while it loads; the error that loading failed with. Leaving the page's part ends the download. */
function useModel(url) {
  const [state, setState] = useState({ model: null, error: null });
  useEffect(() => {
    const leaving = new AbortController();
    loadModel(url, { signal: leaving.signal }).then(
      (model) => leaving.signal.aborted || setState({ model, error: null }),
      (error) => leaving.signal.aborted || setState({ model: null, error }),
    );
    return () => leaving.abort();
  }, [url]);
  return state;
}

export function LanguageInput({ url, onLanguage }) {
  const { model, error } = useModel(url);
  const box = useRef(null);
  const [answer, setAnswer] = useState(null);
  // attach calls the newest onLanguage, without being started anew at each rendering.
  const told = useRef(onLanguage);
  useEffect(() => {
    told.current = onLanguage;
  });
  useEffect(() => {
    if (!model) return;
    const typing = attach(box.current, model, {
      onAnswer(next) {
        setAnswer(next);
        told.current?.(next.tokens > 0 ? next.label : null);
      },
    });
    return () => typing.detach();
  }, [model]);

  return (
    <label>
      Your text
      <textarea ref={box} defaultValue="" />
      <output>
        {error
          ? error.message
          : !model
            ? 'Loading…'
            : answer?.tokens
              ? `${answer.label} (${Math.round(100 * answer.score)} %)`
              : ''}
      </output>
    </label>
  );
}

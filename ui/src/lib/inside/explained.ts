/** What each panel shows, in a sentence for someone who sees it for the first time, and how it is
 * computed. The article's order is the order of the tour. */
import type { Panel } from './places';

export interface Explanation {
  sentence: string;
  formula: string;
  more: string;
}

export const EXPLAINED: Record<Panel, Explanation> = {
  pieces: {
    sentence:
      'A model does not read letters: your text is cut into pieces it has a number for, and everything after this works on those numbers.',
    formula: 'text → pieces → ids',
    more: 'A piece is a character, or several that often stand together in your writing: byte-pair encoding joins the most frequent pair again and again.',
  },
  pairs: {
    sentence:
      'The simplest model there is: count which piece follows which in everything you wrote, and guess what came most often.',
    formula: 'P(b | a) = count(a b) / count(a)',
    more: 'It looks back one piece only. The same question, put to your model with nothing else before it, shows what it learned beyond counting.',
  },
  attention: {
    sentence:
      'To guess what comes after a piece, the model looks back at the pieces before it; a row shows how much it looks at each.',
    formula: 'softmax(QKᵀ / √d_k + mask)',
    more: 'Each piece asks (its query) and each piece offers (its key). Their product is the score; what stands ahead is masked; the softmax makes shares of it that sum to 1. Without ÷ √d_k scores are too large and the softmax picks one piece.',
  },
  heads: {
    sentence:
      'Each layer looks back several times at once; every head has learned to look at something else.',
    formula: 'heads × head_dim = width of the attention',
    more: 'Entropy says how spread out a head looks, distance how far back. A head is given a name only where it is measured on this text: at least 40 % of its weight, and twice what looking everywhere alike would give.',
  },
  neurons: {
    sentence:
      'After looking back, each piece is thought about on its own: thousands of little detectors, each of which answers to some pattern of your writing.',
    formula: 'W₂ · f(W₁ x)',
    more: 'ReLU lets through what is above zero; SwiGLU multiplies by a gate, silu(g) · u. Choose a neuron to see the passages of your writing that it answers to most.',
  },
  next: {
    sentence:
      'For every piece it knows the model says how likely it comes next. The settings of the chat reshape that, and one is drawn.',
    formula: 'softmax(logits / T), cut to the k likeliest, then to those that reach p',
    more: 'Entropy H says how unsure it is: as unsure as a fair choice among 2ᴴ. This is the bare model: memory and penalties, which depend on what was said before, are left out.',
  },
  surprise: {
    sentence:
      'How surprised the model is by each piece of your text, after all that stands before it. Training is nothing but making this sum small.',
    formula: '−log₂ p(piece | all before it)',
    more: 'One bit is the surprise of a coin. The sum is the loss of this text, in bits; divided by its characters it compares with every other loss in Inkling.',
  },
  steps: {
    sentence:
      'A reply is written one piece at a time: the whole text goes through every layer, a piece is drawn, written behind it, and all of it begins again.',
    formula: 'context → embeddings → layers → logits → settings → draw → append',
    more: 'Each step shows the real tensor: its shape, its norm √Σx², and its largest entries, at the last piece.',
  },
  ladder: {
    sentence:
      'The same text and the same minutes, from a table of pairs to a GPT: what each idea buys.',
    formula: 'bigram → head → multihead → feedforward → blocks → classic → modern',
    more: 'Losses are of writing that none of them has seen, per character.',
  },
};

export interface Stop {
  panel: Panel | 'training' | 'chat';
  sentence: string;
}

export const TOUR: Stop[] = [
  { panel: 'pieces', sentence: 'This is your text as the model reads it. Type in the box above: the pieces change with every key.' },
  { panel: 'pairs', sentence: 'Count what follows what. Click a row: the passages are yours.' },
  { panel: 'attention', sentence: 'Now it looks back further than one piece. Choose a piece: its row paints what it looks at.' },
  { panel: 'heads', sentence: 'Not once but many times, in every layer. Open a tile to see it large.' },
  { panel: 'neurons', sentence: 'Then each piece is thought about by itself. Choose a neuron and see what of your writing fires it.' },
  { panel: 'next', sentence: 'All of it ends here: a number for every piece that may come next. Turn the temperature up, then draw.' },
  { panel: 'training', sentence: 'Where do the numbers come from? Training makes the surprise on your writing small, step by step; the slider above goes back through it.' },
  { panel: 'chat', sentence: 'And that, one piece after the other, is a reply.' },
];

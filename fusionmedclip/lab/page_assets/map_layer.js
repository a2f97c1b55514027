"use strict";
/* A map of 256 levels as a picture: faint below the threshold, clear above it, and a white edge between. */
function drawMap(levels, colours, { threshold, opacity }) {
  const { width, height, data } = levels, drawn = new ImageData(width, height);
  const at = (x, y) => data[4 * (y * width + x)];
  const below = (x, y) => x >= 0 && y >= 0 && x < width && y < height && at(x, y) <= threshold;
  let marked = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const level = at(x, y), above = level > threshold, place = 4 * (y * width + x);
      const edge = above && (below(x - 1, y) || below(x + 1, y) || below(x, y - 1) || below(x, y + 1));
      const colour = edge ? [255, 255, 255] : colours[level];
      const share = edge ? 1 : above ? opacity : 0.35 * opacity * level / Math.max(threshold, level, 1);
      drawn.data.set(colour, place);
      drawn.data[place + 3] = opacity ? 255 * share : 0;
      marked += above;
    }
  }
  return { drawn, marked: marked / (width * height) };
}

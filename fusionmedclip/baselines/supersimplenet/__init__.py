"""SuperSimpleNet: a map and a score learnt from noise on features."""

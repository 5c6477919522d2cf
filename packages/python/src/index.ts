/** Python environments as layers, from locked wheels: no installer runs. */
export {};

// @ts-check
// The composition: the rooms below make the model, the views show it.

import { openModel } from "./messenger/tabs.js";

export const model = openModel(location);

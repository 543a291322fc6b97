import "/booth/worker.js";
import { take } from "./broken.js";

take("BigInt");
